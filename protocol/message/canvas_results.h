// The results that applying a composition will have, before any of it has run: Celery's
// AsyncResult and GroupResult with their parents.
#pragma once

#include <celeriac/json.h>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/message/result.h"

namespace celeriac::protocol {

// Handles are valid as long as the object.
class CanvasResults {
 public:
  using Handle = std::size_t;

  Handle task(std::string id) { return append({std::move(id), {}, {}, false}); }
  Handle group(std::string id, std::vector<Handle> members) {
    return append({std::move(id), {}, std::move(members), true});
  }

  const std::string& id(Handle result) const { return results_[result].id; }
  bool is_group(Handle result) const { return results_[result].is_group; }
  const std::vector<Handle>& members(Handle result) const { return results_[result].members; }
  std::optional<Handle> parent(Handle result) const { return results_[result].parent; }
  void set_parent(Handle result, std::optional<Handle> parent) {
    if (parent != result) results_[result].parent = parent;
  }
  // The first of its ancestors that has none itself.
  Handle root(Handle result) const {
    while (results_[result].parent) result = *results_[result].parent;
    return result;
  }

  // `[[id, parent|null], null]` or `[[id, parent|null], [member, …]]`.
  Json tuple(Handle result) const {
    const Result& of = results_[result];
    Json members;
    if (of.is_group) {
      Json::Array list;
      for (Handle member : of.members) list.push_back(tuple(member));
      members = std::move(list);
    }
    Json parent = of.parent ? tuple(*of.parent) : Json();
    return Json::array({Json::array({of.id, std::move(parent)}), std::move(members)});
  }

 private:
  struct Result {
    std::string id;
    std::optional<Handle> parent;
    std::vector<Handle> members;
    bool is_group = false;
  };
  Handle append(Result result) {
    results_.push_back(std::move(result));
    return results_.size() - 1;
  }

  std::vector<Result> results_;
};

}  // namespace celeriac::protocol
