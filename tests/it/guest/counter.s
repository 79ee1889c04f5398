# A guest of one sector, which any firmware with BIOS calls boots from its disk. Twice a second it writes a record of one
# sector behind the last one that is there: its number, how often the guest was started so far, and the time of its clock.
# It says the number on COM1, and goes off when its power button is pressed.
#
#   as --32 counter.s -o counter.o && ld -m elf_i386 -Ttext 0x7c00 --oformat binary counter.o -o counter.img
.code16
.text
.globl _start
.set record, 0x8000
.set number, record + 4
.set starts, record + 8
.set time, record + 12
.set events, 0x600
.set button, 0x100
.set control, 0x604
_start:
    ljmp $0, $1f
1:  xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $0x7c00, %sp
    sti
    cld
    movb %dl, drive
    movw $events + 2, %dx               # the button shows in the events
    inw %dx, %ax
    orw $button, %ax
    outw %ax, %dx
    movl $0, last
find:                                   # the first sector that is no record
    incl lba
    movb $0x42, %ah
    call disk
    jc fail
    cmpl $0x4b434954, record            # "TICK"
    jne new
    movl number, %eax
    cmpl lba, %eax
    jne new
    movl starts, %eax
    movl %eax, last
    jmp find
new:
    movw $record, %di                   # an empty one
    movw $256, %cx
    xorw %ax, %ax
    rep stosw
    movl $0x4b434954, record
    movl last, %eax
    incl %eax
    movl %eax, starts
write:
    movl lba, %eax
    movl %eax, number
    movb $2, %ah                        # the clock, in BCD
    int $0x1a
    movb %ch, time
    movb %cl, time + 1
    movb %dh, time + 2
    movb $0x43, %ah
    call disk
    jc fail
    movl number, %ebx
    movw $8, %si
2:  roll $4, %ebx
    movb %bl, %al
    andb $15, %al
    addb $'0', %al
    cmpb $'9', %al
    jbe 3f
    addb $7, %al
3:  call putc
    decw %si
    jnz 2b
    movb $'\n', %al
    call putc
    incl lba
    movw $9, %cx                        # ticks of a eighteenth of a second
4:  movw 0x46c, %bx
5:  hlt
    movw $events, %dx
    inw %dx, %ax
    testw $button, %ax
    jnz off
    cmpw 0x46c, %bx
    je 5b
    loop 4b
    jmp write
off:
    movw $control, %dx
    movw $0x2000, %ax
    outw %ax, %dx
6:  hlt
    jmp 6b
fail:
    movb $'!', %al
    call putc
    jmp 6b

disk:                                   # AH: 0x42 reads, 0x43 writes the record's sector
    xorb %al, %al
    movb drive, %dl
    movw $packet, %si
    int $0x13
    ret
putc:
    movw $0x3f8, %dx
    outb %al, %dx
    ret
packet:
    .byte 16, 0
    .word 1, record, 0
lba:
    .long 0, 0
last:
    .long 0
drive:
    .byte 0
.org 510
    .word 0xaa55
