#include "worker/broker/confirm_window.h"

#include <utility>

namespace celeriac::worker {

const OutboxItem& ConfirmWindow::sent(OutboxItem item) {
  const auto place = sent_.emplace_hint(sent_.end(), ++last_tag_, Sent{std::move(item), {}});
  return place->second.item;
}

std::vector<ConfirmWindow::Sent> ConfirmWindow::settled(std::uint64_t tag, bool multiple) {
  const auto first = multiple ? sent_.begin() : sent_.lower_bound(tag);
  // A tag of 0 with `multiple` stands for all.
  const auto last = multiple && tag == 0 ? sent_.end() : sent_.upper_bound(tag);
  std::vector<Sent> about;
  for (auto each = first; each != last; ++each) about.push_back(std::move(each->second));
  sent_.erase(first, last);
  return about;
}

bool ConfirmWindow::returned(std::string_view exchange, std::string_view routing_key,
                             std::string_view correlation_id, const std::string& text) {
  for (auto& [tag, sent] : sent_) {
    const Publication& publication = sent.item.publication;
    if (sent.returned.empty() && publication.routed == Routed::must &&
        publication.routing_key == routing_key && publication.exchange == exchange &&
        publication.properties.correlation_id == correlation_id) {
      sent.returned = text;
      return true;
    }
  }
  return false;
}

std::vector<OutboxItem> ConfirmWindow::take_all() {
  std::vector<OutboxItem> items;
  for (auto& [tag, sent] : sent_) items.push_back(std::move(sent.item));
  sent_.clear();
  last_tag_ = 0;
  return items;
}

}  // namespace celeriac::worker
