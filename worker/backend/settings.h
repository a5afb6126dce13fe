// Where results go. Names and defaults are Celery's.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message/result_format.h"

namespace celeriac::worker {

struct ResultSettings {
  // redis://…, rediss://…, redis+socket://…, rpc://, or empty: no results are kept.
  std::string backend;
  std::chrono::seconds expires{86400};                  // 0: for ever
  std::optional<std::chrono::seconds> failure_expires;  // redis:// only; unset: as expires
  std::string serializer = "json";
  std::string compression;                  // redis:// only; empty: none
  std::vector<std::string> accept_content;  // rpc:// only, MIME types; empty: as tasks
  bool extended = false;
  bool persistent = false;       // rpc:// only
  bool chord_ordered = true;     // result_backend_transport_options.result_chord_ordered
  std::string global_keyprefix;  // result_backend_transport_options.global_keyprefix
  std::optional<std::chrono::seconds> chord_expires;  // unset: as expires; 0: for ever
  std::chrono::duration<double> chord_join_timeout{3.0};
  std::chrono::duration<double> chord_retry_interval{1.0};
  // Results that wait while the backend is away. When they are too many, no new task starts.
  std::size_t outbox_messages = 10000;
  std::size_t outbox_bytes = std::size_t{64} << 20;

  protocol::ResultFormat format() const { return {serializer, compression}; }
  std::chrono::seconds kept_for_chords() const { return chord_expires.value_or(expires); }
  // What users read, too, is kept for as long as their results at least.
  std::chrono::seconds kept_for_groups() const {
    const std::chrono::seconds chords = kept_for_chords();
    const bool for_ever = chords.count() == 0 || expires.count() == 0;
    return for_ever ? std::chrono::seconds(0) : std::max(chords, expires);
  }
};

}  // namespace celeriac::worker
