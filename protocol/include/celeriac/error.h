// The family of exceptions that end a unit of work: a start-up, a connection, a
// message, a task. What a caller is expected to branch on is a value instead.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace celeriac {

// The root of the family. Its text says what is wrong, where, and the remedy.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A mistake in a configuration file, the environment or an option. The text
// starts with the place, `file:line:column: `, where there is one.
class ConfigError : public Error {
 public:
  using Error::Error;
};

// The broker or a peer sent bytes that break its protocol: the connection ends.
class ProtocolError : public Error {
 public:
  using Error::Error;
};

// A task message that cannot be run. `kind` decides what Celery does with it
// (Celery 5.x, worker/consumer: on_decode_error, on_invalid_task).
class MessageError : public Error {
 public:
  enum class Kind {
    undecodable,  // the body, its compression or its encoding: acked, nothing stored
    invalid,      // content type not accepted, bad eta, wrong shape: rejected, nothing stored
  };
  MessageError(Kind kind, const std::string& text) : Error(text), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

// A value that the serializer cannot write (kombu's exception of the same name):
// a text that is not UTF-8, a number that the format does not have.
class EncodeError : public Error {
 public:
  using Error::Error;
};

// A task was called with arguments it does not take. Python's TypeError, with
// Python's own text; a failure without retry.
class ArgumentError : public Error {
 public:
  using Error::Error;
};

// The broker, Redis or an HTTP peer went away while something waited for it.
class ConnectionLost : public Error {
 public:
  using Error::Error;
};

// A deadline passed before the answer came.
class Timeout : public Error {
 public:
  using Error::Error;
};

// An HTTP request got no usable answer. `status` is 0 when no response came.
class HttpError : public Error {
 public:
  HttpError(int status, const std::string& text) : Error(text), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

// Redis answered with an error, or could not be reached in time.
class RedisError : public Error {
 public:
  using Error::Error;
};

// Thrown into a task when its soft time limit has passed (Celery's exception of
// the same name). A task may catch it, clean up and return.
class SoftTimeLimitExceeded : public Error {
 public:
  SoftTimeLimitExceeded() : Error("SoftTimeLimitExceeded()") {}
};

}  // namespace celeriac
