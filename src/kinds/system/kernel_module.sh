# nw_kernel_module_builtin: modules that are part of the running kernel.
nw_kernel_module_builtin() { cat "/lib/modules/$(uname -r)/modules.builtin"; }
