#include "worker/clients/redis_connection.h"

#include <fcntl.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#ifdef CELERIAC_HIREDIS_SSL
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#endif

#include <optional>
#include <utility>

#include "worker/loop/deadline.h"
#include "worker/loop/poll.h"
#include "worker/loop/resolver.h"

namespace celeriac::worker {
namespace {

std::string text_of(const redisReply& reply) {
  return std::string(reply.str, reply.len);
}

RedisAnswer answer_of(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_NIL:
      return RedisReply();
    case REDIS_REPLY_INTEGER:
      return RedisReply(std::int64_t{reply.integer});
    case REDIS_REPLY_STRING:
      return RedisReply(text_of(reply));
    case REDIS_REPLY_STATUS:
      return RedisReply(RedisReply::Status{text_of(reply)});
    case REDIS_REPLY_ERROR:
      return RedisError(text_of(reply));
    case REDIS_REPLY_ARRAY: {
      RedisReply::Array items;
      items.reserve(reply.elements);
      for (std::size_t i = 0; i < reply.elements; ++i) {
        RedisAnswer item = answer_of(*reply.element[i]);
        if (std::holds_alternative<RedisError>(item)) return item;
        items.push_back(std::get<RedisReply>(std::move(item)));
      }
      return RedisReply(std::move(items));
    }
    default:
      return RedisError("a reply of a type that RESP 2 does not have");
  }
}

// Errors of a Redis that will serve us later.
bool is_passing(std::string_view error) {
  return error.starts_with("LOADING") || error.starts_with("MASTERDOWN") ||
         error.find("max number of clients reached") != std::string_view::npos;
}

}  // namespace

std::string encode_redis_command(const std::vector<std::string>& words) {
  std::string out = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) {
    out += "$" + std::to_string(word.size()) + "\r\n";
    out += word;
    out += "\r\n";
  }
  return out;
}

// What hiredis calls to be told of its descriptor, and about the end of a context.
struct RedisConnection::Hooks {
  static RedisConnection& self(void* data) { return *static_cast<RedisConnection*>(data); }
  static RedisConnection& self(const redisAsyncContext* context) { return self(context->data); }

  static void add_read(void* data) noexcept { self(data).hooks_->want(true, std::nullopt); }
  static void del_read(void* data) noexcept { self(data).hooks_->want(false, std::nullopt); }
  static void add_write(void* data) noexcept { self(data).hooks_->want(std::nullopt, true); }
  static void del_write(void* data) noexcept { self(data).hooks_->want(std::nullopt, false); }
  static void cleanup(void* data) noexcept { self(data).released(); }

  static void on_connect(const redisAsyncContext* context, int status) noexcept {
    RedisConnection& connection = self(context);
    if (!connection.connecting_) return;
    if (status == REDIS_OK) {
      std::exchange(connection.connecting_, nullptr)->complete();
    } else {
      connection.close_reason_ = context->errstr;
    }
  }
  // A null reply means that the connection ends: `cleanup` follows.
  static void on_reply(redisAsyncContext*, void* reply, void* receiver) noexcept {
    if (!reply) return;
    static_cast<Receiver*>(receiver)->on_answer(answer_of(*static_cast<redisReply*>(reply)));
  }

  Hooks(RedisConnection& connection, int descriptor)
      : poll(connection.loop_, descriptor,
             [&connection](Poll::Events events) { on_events(connection, events); }) {}

  // Either call may free the context, and with it these hooks.
  static void on_events(RedisConnection& connection, Poll::Events events) noexcept {
    redisAsyncContext* context = connection.context_;
    if (events.readable && !events.failed) redisAsyncHandleRead(context);
    if (connection.context_ != context) return;
    if (events.writable && !events.failed) redisAsyncHandleWrite(context);
    if (connection.context_ != context || !events.failed) return;
    // Either finds the error by using the descriptor; if not, nothing would wake us again.
    redisAsyncHandleRead(context);
    if (connection.context_ == context) redisAsyncHandleWrite(context);
    if (connection.context_ == context) redisAsyncFree(context);
  }

  void want(std::optional<bool> read, std::optional<bool> write) {
    interest = {.read = read.value_or(interest.read), .write = write.value_or(interest.write)};
    poll.watch(interest);
  }

  Poll poll;
  Poll::Interest interest;
};

// A command of our own while the connection is being opened.
class RedisConnection::Question final : public Receiver {
 public:
  explicit Question(RedisConnection& connection) : done(connection.loop_), connection_(connection) {
    connection_.question_ = this;
  }
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;
  ~Question() { connection_.question_ = nullptr; }

  void on_answer(RedisAnswer answer) override { done.complete(std::move(answer)); }

  Completion<RedisAnswer> done;

 private:
  RedisConnection& connection_;
};

#ifdef CELERIAC_HIREDIS_SSL
// hiredis would not look at the host name in the certificate, so the session is ours.
class RedisConnection::Tls {
 public:
  explicit Tls(const RedisAddress& address)
      : host_(address.host), context_(SSL_CTX_new(TLS_client_method())) {
    static const int initialised = redisInitOpenSSL();
    static_cast<void>(initialised);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
    const RedisAddress::Tls& files = address.tls;
    if (files.ca_certs.empty()) {
      SSL_CTX_set_default_verify_paths(context_.get());
    } else {
      check(files.ca_certs,
            SSL_CTX_load_verify_locations(context_.get(), files.ca_certs.c_str(), nullptr));
    }
    if (!files.certfile.empty()) {
      check(files.certfile,
            SSL_CTX_use_certificate_chain_file(context_.get(), files.certfile.c_str()));
      const std::string& key = files.keyfile.empty() ? files.certfile : files.keyfile;
      check(key, SSL_CTX_use_PrivateKey_file(context_.get(), key.c_str(), SSL_FILETYPE_PEM));
    }
  }

  bool start(redisAsyncContext* context) {
    session_ = SSL_new(context_.get());
    SSL_set_verify(session_, SSL_VERIFY_PEER, nullptr);
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session_), host_.c_str()) != 1) {
      SSL_set1_host(session_, host_.c_str());
      SSL_ctrl(session_, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
               const_cast<char*>(host_.c_str()));
    }
    return redisInitiateSSL(&context->c, session_) == REDIS_OK;
  }

  // Why the certificate of the connection that ends now was refused; empty if it was not.
  std::string refusal() {
    const long result = session_ ? SSL_get_verify_result(session_) : X509_V_OK;
    session_ = nullptr;
    return result == X509_V_OK ? "" : X509_verify_cert_error_string(result);
  }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  static void check(const std::string& file, int status) {
    if (status == 1) return;
    char text[256];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    throw RedisError("TLS for Redis: " + file + " cannot be used: " + text);
  }

  std::string host_;
  std::unique_ptr<SSL_CTX, Free> context_;
  SSL* session_ = nullptr;  // hiredis frees it with its context
};
#else
// parse_redis_url has refused rediss://, so none is ever made.
class RedisConnection::Tls {
 public:
  explicit Tls(const RedisAddress& address) {
    throw ConfigError(address.display() + ": this build has no TLS for Redis");
  }
  bool start(redisAsyncContext*) { return false; }
  std::string refusal() { return ""; }
};
#endif

RedisConnection::RedisConnection(Loop& loop, RedisAddress address,
                                 MoveOnlyFunction<void(const std::string&)> on_lost)
    : loop_(loop), address_(std::move(address)), on_lost_(std::move(on_lost)) {}

RedisConnection::~RedisConnection() {
  open_ = false;
  if (context_) redisAsyncFree(context_);
}

Async<void> RedisConnection::open(Clock::time_point deadline) {
  if (address_.tls.enabled && !tls_) tls_ = std::make_unique<Tls>(address_);
  co_await connect(deadline);
  co_await with_deadline(loop_, deadline, where() + " does not answer", greet());
  open_ = true;
}

// Tries one address after the other, each with its share of the time.
Async<void> RedisConnection::connect(Clock::time_point deadline) {
  std::vector<std::string> addresses;
  if (address_.socket_path.empty()) {
    addresses = co_await with_deadline(loop_, deadline,
                                       "the name " + address_.host + " was not resolved in time",
                                       resolve(loop_, address_.host));
  } else {
    addresses.push_back(address_.socket_path);
  }
  std::string causes;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const auto share = (deadline - loop_.now()) / static_cast<int>(addresses.size() - i);
    try {
      co_await with_deadline(loop_, loop_.now() + share, addresses[i] + ": no answer",
                             connect_to(addresses[i]));
      co_return;
    } catch (const Error& error) {
      causes += (causes.empty() ? "" : "; ") + std::string(error.what());
    }
    close("not connected in time");
  }
  throw ConnectionLost("cannot connect to " + where() + ": " + causes);
}

Async<void> RedisConnection::connect_to(std::string address) {
  close_reason_.clear();
  redisAsyncContext* context = address_.socket_path.empty()
                                   ? redisAsyncConnect(address.c_str(), address_.port)
                                   : redisAsyncConnectUnix(address.c_str());
  if (!context) throw std::bad_alloc();
  if (context->err) {
    const std::string cause = address + ": " + context->errstr;
    redisAsyncFree(context);
    throw ConnectionLost(cause);
  }
  Completion<void> connected(loop_);
  Pending<void> pending = connected.pending();
  struct Forget {
    ~Forget() { connecting = nullptr; }
    Completion<void>*& connecting;
  } forget{connecting_};
  connecting_ = &connected;
  attach(context);
  start_tls();
  co_await std::move(pending);
}

void RedisConnection::attach(redisAsyncContext* context) {
  context_ = context;
  context->data = this;
  fcntl(context->c.fd, F_SETFD, FD_CLOEXEC);
  hooks_ = std::make_unique<Hooks>(*this, context->c.fd);
  context->ev.data = this;
  context->ev.addRead = &Hooks::add_read;
  context->ev.delRead = &Hooks::del_read;
  context->ev.addWrite = &Hooks::add_write;
  context->ev.delWrite = &Hooks::del_write;
  context->ev.cleanup = &Hooks::cleanup;
  redisAsyncSetConnectCallback(context, &Hooks::on_connect);
}

void RedisConnection::start_tls() {
  if (!tls_ || tls_->start(context_)) return;
  const std::string cause = std::string("TLS: ") + context_->c.errstr;
  redisAsyncFree(context_);
  throw ConnectionLost(cause);
}

Async<void> RedisConnection::greet() {
  if (!address_.password.empty()) {
    std::vector<std::string> login{"AUTH"};
    if (!address_.user.empty()) login.push_back(address_.user);
    login.push_back(address_.password);
    co_await ask(std::move(login));
  }
  if (address_.database != 0) {
    std::vector<std::string> select{"SELECT", std::to_string(address_.database)};
    co_await ask(std::move(select));
  }
  std::vector<std::string> ping{"PING"};
  co_await ask(std::move(ping));
}

Async<RedisReply> RedisConnection::ask(std::vector<std::string> words) {
  if (!context_) throw ConnectionLost(where() + ": " + close_reason_);
  Question question(*this);
  Pending<RedisAnswer> pending = question.done.pending();
  send(encode_redis_command(words), question);
  RedisAnswer answer = co_await std::move(pending);
  if (const auto* error = std::get_if<RedisError>(&answer)) {
    const std::string text = where() + " refuses " + words.front() + ": " + error->what();
    if (is_passing(error->what())) throw ConnectionLost(text);
    throw RedisError(text);
  }
  co_return std::get<RedisReply>(std::move(answer));
}

void RedisConnection::send(std::string_view encoded_command, Receiver& receiver) {
  redisAsyncFormattedCommand(context_, &Hooks::on_reply, &receiver, encoded_command.data(),
                             encoded_command.size());
}

void RedisConnection::close(std::string reason) {
  if (!context_) return;
  close_reason_ = std::move(reason);
  redisAsyncFree(context_);
}

// The last that hiredis does with us before it frees the context.
void RedisConnection::released() {
  hooks_.reset();
  if (close_reason_.empty() && context_->errstr) close_reason_ = context_->errstr;
  // hiredis reports a failed system call that set no errno in these words.
  if (close_reason_.empty() || close_reason_ == "Success") {
    close_reason_ = "the connection was closed";
  }
  if (const std::string refusal = tls_ ? tls_->refusal() : ""; !refusal.empty()) {
    close_reason_ += " (the server's certificate is refused: " + refusal + ")";
  }
  context_ = nullptr;
  if (connecting_) {
    std::exchange(connecting_, nullptr)
        ->fail(std::make_exception_ptr(ConnectionLost(close_reason_)));
  }
  if (question_) {
    question_->done.fail(std::make_exception_ptr(ConnectionLost(where() + ": " + close_reason_)));
  }
  if (std::exchange(open_, false)) on_lost_(close_reason_);
}

}  // namespace celeriac::worker
