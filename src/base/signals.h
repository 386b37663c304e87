// SIGINT, SIGTERM and SIGHUP become a flag that the training loop reads between micro-steps; a second SIGINT leaves at once.
#pragma once

namespace attune {

/// Call before any thread is started: the signals are blocked in all threads but one that waits for them, and noticed a moment after they
/// are sent. SIGPIPE is ignored, so that a closed stdout is no crash.
void install_signal_handlers();
/// The first signal received, or 0.
int pending_signal();
/// Throws Interrupted when a signal is pending. Call only where nothing is half done.
void throw_if_interrupted();

}  // namespace attune
