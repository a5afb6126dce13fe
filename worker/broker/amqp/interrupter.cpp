#include "worker/broker/amqp/interrupter.h"

#include <celeriac/error.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace celeriac::worker::amqp {

Interrupter::Interrupter() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (descriptor_ < 0) throw Error("eventfd: out of file descriptors; raise LimitNOFILE");
}

Interrupter::~Interrupter() {
  ::close(descriptor_);
}

void Interrupter::interrupt() {
  interrupted_ = true;
  ::eventfd_write(descriptor_, 1);
  const std::lock_guard lock(mutex_);
  if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
}

Interrupter::Watched::Watched(Interrupter& interrupter, int socket) : interrupter_(interrupter) {
  const std::lock_guard lock(interrupter_.mutex_);
  interrupter_.socket_ = socket;
  if (interrupter_.interrupted_) ::shutdown(socket, SHUT_RDWR);
}

Interrupter::Watched::~Watched() {
  const std::lock_guard lock(interrupter_.mutex_);
  interrupter_.socket_ = -1;
}

}  // namespace celeriac::worker::amqp
