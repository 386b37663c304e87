#include "base/signals.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "base/error.h"

namespace attune {
namespace {

std::atomic<int> g_pending = 0;

void take(int signal) {
  if (g_pending != 0 && signal == SIGINT) ::_exit(128 + SIGINT);  // the user insists; the disk is consistent at any moment
  int none = 0;
  g_pending.compare_exchange_strong(none, signal);
}

}  // namespace

void install_signal_handlers() {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);

  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old {};
    sigaction(s, nullptr, &old);
    if (s == SIGHUP && old.sa_handler == SIG_IGN) continue;  // nohup
    sigaddset(&wanted, s);
  }
  // Blocked in this thread and those it starts, taken by one that waits: no handler ever runs on top of a kernel. With handlers, one
  // interrupted run in twenty ended with a damaged heap inside of oneDNN's products.
  pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  std::thread([wanted] {
    for (int signal = 0;;)
      if (sigwait(&wanted, &signal) == 0) take(signal);
  }).detach();
}

int pending_signal() { return g_pending; }

void throw_if_interrupted() {
  if (const int signal = g_pending) throw Interrupted(signal);
}

}  // namespace attune
