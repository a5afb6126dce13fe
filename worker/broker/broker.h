// What the worker asks of a message broker. AMQP is behind it; nothing here
// names a library.
//
// All members are called on the loop thread, and every callback arrives there,
// never from inside a call into the broker. The broker must outlive nothing but
// its own callbacks: after `stop` has completed none arrives any more.
#pragma once

#include <celeriac/async.h>
#include <celeriac/error.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "protocol/message/delayed_delivery.h"
#include "protocol/message/properties.h"
#include "protocol/message/queue.h"

namespace celeriac::worker {

// A delivery of one connection. Tags of a lost connection are never sent on the
// next one: settling them does nothing.
struct DeliveryRef {
  std::uint64_t connection = 0;  // counts connections, from 1
  std::uint16_t channel = 0;
  std::uint64_t tag = 0;
  bool operator==(const DeliveryRef&) const = default;
};

enum class Verdict {
  ack,      // basic.ack
  reject,   // basic.reject, requeue=0: dropped, or dead-lettered where the queue says so
  requeue,  // basic.reject, requeue=1
};

struct Delivery {
  DeliveryRef ref;
  protocol::DeliveryInfo info;
  protocol::Properties properties;
  std::string body;
  // A body larger than the limit was not kept; `body` is empty and this is its size.
  std::uint64_t oversized = 0;
  // Why the headers could not be kept (nested without end); they are empty then.
  std::string malformed;
};

// What happens to a message once it is handed over for publishing.
enum class Routed {
  must,  // `mandatory`: an unroutable message is an error
  may,   // unroutable is fine (events, replies, rpc results)
};
enum class Durability {
  confirmed,  // the publisher waits for the broker's confirm and sends again after a reconnect
  transient,  // sent once when a connection is there; dropped, oldest first, when there is none
};

// What a full queue means (x-max-length with overflow=reject-publish).
enum class WhenFull {
  wait,    // the message is sent again until there is room
  refuse,  // `publish` throws QueueFull
};
class QueueFull : public Error {
 public:
  using Error::Error;
};

struct Publication {
  std::string exchange;
  std::string routing_key;
  protocol::Properties properties;
  std::string body;
  Routed routed = Routed::must;
  Durability durability = Durability::confirmed;
  WhenFull when_full = WhenFull::wait;
  // Declared before the message goes out, once per connection (kombu's maybe_declare).
  std::vector<protocol::Queue> declare_queues;
  std::vector<protocol::Exchange> declare_exchanges;
};

// Where deliveries of one queue go.
struct ConsumerSpec {
  protocol::Queue queue;
  // Upper bound of unacknowledged deliveries, per consumer, never global; 1…65535, 0: no bound.
  std::uint16_t prefetch = 0;
  // Deliveries of such a consumer need no settling.
  enum class Acknowledge { manual, automatic } acknowledge = Acknowledge::manual;
  // Consumers of one group share a channel, so that their tags and errors stay apart.
  enum class Group { tasks, control } group = Group::tasks;
};

// What the broker last told of a queue.
struct QueueTotals {
  std::uint32_t messages = 0;  // ready: neither delivered nor waiting for an ack
  std::uint32_t consumers = 0;
};

struct BrokerStatus {
  bool connected = false;  // the consuming connection
  bool consuming = false;  // every consumer got its consume-ok
  bool publisher_connected = false;
  bool publisher_blocked = false;  // connection.blocked is in force
  std::string url;                 // without password
  std::uint64_t reconnects = 0;
  std::uint64_t acks = 0, rejects = 0, requeues = 0;
  std::uint64_t deliveries = 0;
  std::uint64_t published = 0, confirmed = 0, returned = 0, dropped = 0;
  std::size_t outbox_messages = 0, outbox_bytes = 0;  // waiting for the publisher or a confirm
  std::chrono::milliseconds heartbeat{0};             // as negotiated
  std::map<std::string, QueueTotals> queues;          // of those it was asked to count
};

class BrokerListener {
 public:
  virtual ~BrokerListener() = default;
  virtual void on_delivery(Delivery&& delivery) = 0;
  // All consumers are running on a new connection.
  virtual void on_consuming() = 0;
  // The connection is gone; every delivery that is not settled will be redelivered.
  virtual void on_connection_lost(const std::string& reason) = 0;
  // Connecting is not retried any more, or the broker refused a declaration.
  virtual void on_unrecoverable(const std::string& reason) = 0;
};

class Broker {
 public:
  virtual ~Broker() = default;

  // Connects, declares and consumes, again after every loss, until `stop`.
  // The consumer set belongs to the broker and is replayed on every connection.
  virtual void start(BrokerListener& listener, std::vector<ConsumerSpec> consumers) = 0;

  // Before `start`: what is declared on every connection behind the queues that are consumed.
  virtual void declare_delayed_delivery(protocol::Declarations declarations) = 0;

  // Adds or drops one consumer at run time, also while the connection is away.
  // Deliveries that the dropped consumer had received may still be settled.
  virtual Async<void> add_consumer(ConsumerSpec consumer) = 0;
  virtual Async<void> cancel_consumer(std::string queue) = 0;
  // Gives the queue's consumer a fresh window of `prefetch` deliveries: cancels it and
  // consumes again. What it holds stays held, and may still be settled.
  virtual void renew_consumer(const std::string& queue, std::uint16_t prefetch) = 0;

  // Cancels the consumers of the task queues, on later connections too, until they are resumed.
  // Completes when nothing of theirs arrives any more; settling goes on. A queue that goes away
  // with its last consumer keeps it.
  virtual Async<void> pause_consuming() = 0;
  // Consumes again, at most `prefetch` deliveries of each queue, and from this one first.
  virtual void resume_consuming(std::uint16_t prefetch, const std::string& first_queue) = 0;

  // Settles one delivery, once. Acks of one loop turn go out together.
  virtual void settle(const DeliveryRef& delivery, Verdict verdict) = 0;

  // Completes when the broker has confirmed (Durability::confirmed), else when the
  // message was handed over. Waits while the broker is away; throws Error when the
  // outbox is full, when a `must` message is unroutable, or at `stop`.
  virtual Async<void> publish(Publication publication) = 0;

  // Asks how many messages and consumers the task queues have. The answers, soon after, stand in
  // `status`; there are none while the connection is away.
  virtual void count_queues() = 0;

  // Deletes the ready messages of a queue; the number of them.
  virtual Async<std::uint64_t> purge(protocol::Queue queue) = 0;

  // Deletes a queue of our own that is not needed any more. No more than a courtesy: nothing tells
  // whether it could be done.
  virtual void delete_queue(const std::string& name) = 0;

  // Cancels the consumers: no delivery arrives afterwards. Settling goes on.
  virtual Async<void> stop_consuming() = 0;
  // Sends what is settled and published, then closes both connections in order.
  virtual Async<void> stop(std::chrono::milliseconds deadline) = 0;

  virtual BrokerStatus status() const = 0;
};

}  // namespace celeriac::worker
