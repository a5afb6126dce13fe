#include "worker/clients/http_client.h"

#include <celeriac/error.h>
#include <curl/curl.h>
#include <fcntl.h>

#include <algorithm>
#include <list>
#include <map>
#include <mutex>
#include <string_view>

#include "worker/loop/poll.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {
namespace {

struct CloseEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

// Scheme, host and port: the path of a webhook is as secret as a password.
std::string shown(const std::string& url) {
  std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
  std::string text;
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return "a URL that cannot be read";
  }
  auto part = [&](CURLUPart which, const char* prefix, const char* suffix) {
    char* value = nullptr;
    if (curl_url_get(parsed.get(), which, &value, 0) == CURLUE_OK) {
      text += prefix + std::string(value) + suffix;
    }
    curl_free(value);
  };
  part(CURLUPART_SCHEME, "", "://");
  part(CURLUPART_HOST, "", "");
  part(CURLUPART_PORT, ":", "");
  return text;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// One request with what belongs to it. Its address is known to curl.
struct Transfer {
  Transfer(Loop& loop, HttpRequest wanted)
      : request(std::move(wanted)), easy(curl_easy_init()), done(loop) {
    if (!easy) throw std::bad_alloc();
  }

  template <class Value>
  void set(CURLoption option, Value value) {
    if (CURLcode code = curl_easy_setopt(easy.get(), option, value); code != CURLE_OK) {
      throw HttpError(0, name() + ": " + curl_easy_strerror(code));
    }
  }

  std::string name() const { return request.method + " " + shown(request.url); }

  void prepare(const HttpClientSettings& settings);
  void prepare_method();
  void prepare_headers(const HttpClientSettings& settings);
  void add_header(const std::string& line);
  std::exception_ptr error_of(CURLcode code) const;

  static int on_socket(void*, curl_socket_t descriptor, curlsocktype) noexcept;
  static std::size_t on_header(char* data, std::size_t size, std::size_t count,
                               void* self) noexcept;
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self) noexcept;

  HttpRequest request;
  HttpResponse response;
  bool too_large = false;
  std::unique_ptr<curl_slist, FreeList> headers;
  char error_text[CURL_ERROR_SIZE] = {};
  std::unique_ptr<CURL, CloseEasy> easy;
  Completion<HttpResponse> done;
  std::list<Transfer>::iterator place;
};

void Transfer::prepare(const HttpClientSettings& settings) {
  set(CURLOPT_PRIVATE, this);
  set(CURLOPT_ERRORBUFFER, error_text);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, request.redirects == HttpRequest::Redirects::follow ? 1L : 0L);
  set(CURLOPT_MAXREDIRS, 5L);
  // Zero would mean no limit at all.
  set(CURLOPT_TIMEOUT_MS, std::max<long>(static_cast<long>(request.timeout.count()), 1L));
  set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request.max_body_bytes));
  set(CURLOPT_ACCEPT_ENCODING, "");  // all that curl can decode
  if (!settings.ca_file.empty()) set(CURLOPT_CAINFO, settings.ca_file.c_str());
  set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_SOCKOPTFUNCTION, &Transfer::on_socket);
  prepare_method();
  prepare_headers(settings);
}

void Transfer::prepare_method() {
  const std::string& method = request.method;
  if (method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (method == "POST" || !request.body.empty()) {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.data());
    if (method != "POST") set(CURLOPT_CUSTOMREQUEST, method.c_str());
  } else if (method != "GET") {
    set(CURLOPT_CUSTOMREQUEST, method.c_str());
  }
}

void Transfer::prepare_headers(const HttpClientSettings& settings) {
  // curl would invent a form's content type, and wait a second for a 100-continue.
  if (!find_header(request.headers, "Content-Type")) add_header("Content-Type:");
  if (!find_header(request.headers, "Expect")) add_header("Expect:");
  if (!find_header(request.headers, "User-Agent")) add_header("User-Agent: " + settings.user_agent);
  for (const auto& [key, value] : request.headers) {
    if ((key + value).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      throw HttpError(0, name() + ": a header holds a line break");
    }
    add_header(value.empty() ? key + ";" : key + ": " + value);
  }
  set(CURLOPT_HTTPHEADER, headers.get());
}

void Transfer::add_header(const std::string& line) {
  curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
  if (!longer) throw std::bad_alloc();
  [[maybe_unused]] curl_slist* same = headers.release();
  headers.reset(longer);
}

// Child processes of the worker must not inherit it.
int Transfer::on_socket(void*, curl_socket_t descriptor, curlsocktype) noexcept {
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  return CURL_SOCKOPT_OK;
}

std::size_t Transfer::on_header(char* data, std::size_t size, std::size_t count,
                                void* self) noexcept {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) {
    transfer.response.headers.clear();  // what came before was a redirect or a 100
  } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    transfer.response.headers.emplace_back(trimmed(line.substr(0, colon)),
                                           trimmed(line.substr(colon + 1)));
  }
  return line.size();
}

std::size_t Transfer::on_body(char* data, std::size_t size, std::size_t count,
                              void* self) noexcept {
  auto& transfer = *static_cast<Transfer*>(self);
  std::string& body = transfer.response.body;
  if (size * count > transfer.request.max_body_bytes - body.size()) {
    transfer.too_large = true;
    return 0;  // curl gives the transfer up
  }
  body.append(data, size * count);
  return size * count;
}

std::exception_ptr Transfer::error_of(CURLcode code) const {
  if (too_large || code == CURLE_FILESIZE_EXCEEDED) {
    return std::make_exception_ptr(HttpError(0, name() + ": the answer is larger than " +
                                                    std::to_string(request.max_body_bytes) +
                                                    " bytes"));
  }
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return std::make_exception_ptr(Timeout(name() + ": no complete answer within " +
                                           std::to_string(request.timeout.count()) + " ms"));
  }
  std::string why = curl_easy_strerror(code);
  if (error_text[0] != '\0') why += ": " + std::string(error_text);
  return std::make_exception_ptr(HttpError(0, name() + ": " + why));
}

}  // namespace

// The callbacks of curl on one side, descriptors and timer of the loop on the other.
class CurlHttpClient::Multi {
 public:
  Multi(Loop& loop, HttpClientSettings settings)
      : loop_(loop), settings_(std::move(settings)), timer_(loop, [this] { on_timer(); }) {
    static std::once_flag initialised;
    std::call_once(initialised, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    multi_ = curl_multi_init();
    if (!multi_) throw std::bad_alloc();
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Multi::on_interest);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Multi::on_timeout);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                      static_cast<long>(settings_.max_connections));
  }
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;
  ~Multi() {
    for (Transfer& transfer : transfers_) curl_multi_remove_handle(multi_, transfer.easy.get());
    transfers_.clear();
    curl_multi_cleanup(multi_);
  }

  Pending<HttpResponse> begin(HttpRequest request) {
    Transfer& transfer = transfers_.emplace_back(loop_, std::move(request));
    transfer.place = std::prev(transfers_.end());
    try {
      transfer.prepare(settings_);
    } catch (...) {
      transfers_.pop_back();
      throw;
    }
    transfer.done.on_abandoned([this, &transfer] { end(transfer); });
    Pending<HttpResponse> pending = transfer.done.pending();
    curl_multi_add_handle(multi_, transfer.easy.get());
    return pending;
  }

  std::size_t active() const { return transfers_.size(); }

 private:
  struct Socket {
    std::unique_ptr<Poll> poll;
    Poll::Interest interest;
  };

  static int on_interest(CURL*, curl_socket_t descriptor, int what, void* self, void*) noexcept {
    auto& multi = *static_cast<Multi*>(self);
    if (what == CURL_POLL_REMOVE) {
      multi.sockets_.erase(descriptor);
    } else {
      multi.watch(descriptor, {.read = what != CURL_POLL_OUT, .write = what != CURL_POLL_IN});
    }
    return 0;
  }

  static int on_timeout(CURLM*, long milliseconds, void* self) noexcept {
    auto& multi = *static_cast<Multi*>(self);
    if (milliseconds < 0) {
      multi.timer_.stop();
    } else {
      multi.timer_.start(std::chrono::milliseconds(milliseconds));
    }
    return 0;
  }

  void watch(curl_socket_t descriptor, Poll::Interest interest) {
    Socket& socket = sockets_[descriptor];
    if (!socket.poll) {
      socket.poll = std::make_unique<Poll>(
          loop_, descriptor,
          [this, descriptor](Poll::Events events) { on_events(descriptor, events); });
    }
    socket.interest = interest;
    socket.poll->watch(interest);
  }

  void on_events(curl_socket_t descriptor, Poll::Events events) {
    const int bits = (events.readable ? CURL_CSELECT_IN : 0) |
                     (events.writable ? CURL_CSELECT_OUT : 0) |
                     (events.failed ? CURL_CSELECT_ERR : 0);
    act(descriptor, bits);
    // A failed descriptor is no longer watched, unless curl still wants it.
    if (auto found = sockets_.find(descriptor); events.failed && found != sockets_.end()) {
      found->second.poll->watch(found->second.interest);
    }
  }

  void on_timer() { act(CURL_SOCKET_TIMEOUT, 0); }

  void act(curl_socket_t descriptor, int bits) {
    int running = 0;
    curl_multi_socket_action(multi_, descriptor, bits, &running);
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      void* transfer = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      finish(*static_cast<Transfer*>(transfer), message->data.result);
    }
  }

  void finish(Transfer& transfer, CURLcode code) {
    if (code == CURLE_OK) {
      long status = 0;
      curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
      transfer.response.status = static_cast<int>(status);
      transfer.done.complete(std::move(transfer.response));
    } else {
      transfer.done.fail(transfer.error_of(code));
    }
    end(transfer);
  }

  void end(Transfer& transfer) {
    curl_multi_remove_handle(multi_, transfer.easy.get());
    transfers_.erase(transfer.place);
  }

  Loop& loop_;
  HttpClientSettings settings_;
  CURLM* multi_ = nullptr;
  Timer timer_;
  std::map<curl_socket_t, Socket> sockets_;
  std::list<Transfer> transfers_;
};

CurlHttpClient::CurlHttpClient(Loop& loop, HttpClientSettings settings)
    : multi_(std::make_unique<Multi>(loop, std::move(settings))) {}

CurlHttpClient::~CurlHttpClient() = default;

std::size_t CurlHttpClient::active() const {
  return multi_->active();
}

Async<HttpResponse> CurlHttpClient::perform(HttpRequest request) {
  Pending<HttpResponse> pending = multi_->begin(std::move(request));
  co_return co_await std::move(pending);
}

}  // namespace celeriac::worker
