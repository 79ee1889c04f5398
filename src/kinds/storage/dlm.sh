# nw_dlm_fenced ID: that a person vouches for the lost member of this number, whose fence device does not answer.
nw_dlm_fenced() { dlm_tool fence_ack "$1" && nw_await 30 'the locks of DLM' nw_dlm_goes_on; }
nw_dlm_goes_on() { ! dlm_tool ls | grep -q 'wait fencing'; }
