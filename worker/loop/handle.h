// Owns one libuv handle. The only place that calls uv_close.
#pragma once

#include <celeriac/error.h>
#include <uv.h>

#include <memory>
#include <string>

namespace celeriac::worker {

// libuv may still touch a handle until its close callback has run, so that is where
// the memory is freed: it outlives this object. No callback but that one arrives
// after destruction.
template <class UvHandle>
class Handle {
 public:
  // `init` is called as init(handle) and returns libuv's status.
  template <class Init>
  Handle(const char* what, Init init) {
    auto handle = std::make_unique<UvHandle>();
    if (int status = init(handle.get()); status < 0) {
      throw Error(std::string(what) + ": " + uv_strerror(status));
    }
    handle_ = handle.release();
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    uv_close(reinterpret_cast<uv_handle_t*>(handle_),
             [](uv_handle_t* closed) noexcept { delete reinterpret_cast<UvHandle*>(closed); });
  }

  UvHandle* get() const { return handle_; }

  // What the callbacks find again with `owner`.
  void set_owner(void* owner) { handle_->data = owner; }
  template <class Owner>
  static Owner& owner(const UvHandle* handle) {
    return *static_cast<Owner*>(handle->data);
  }

 private:
  UvHandle* handle_;
};

}  // namespace celeriac::worker
