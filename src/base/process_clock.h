// How long this process has been running, its loading included: what start-up time is measured with.
#pragma once

namespace attune {

/// Seconds since the kernel started the process (proc(5): starttime, in clock ticks); 0 where that cannot be read.
double seconds_since_process_start();

}  // namespace attune
