// Counts how often it is made and destroyed: a coroutine must destroy its arguments and
// locals exactly once.
#pragma once

namespace celeriac::test {

class Counted {
 public:
  Counted() { ++made; }
  Counted(const Counted&) { ++made; }
  Counted(Counted&&) noexcept { ++made; }
  Counted& operator=(const Counted&) = default;
  Counted& operator=(Counted&&) = default;
  ~Counted() { ++destroyed; }

  static int alive() { return made - destroyed; }
  static void reset() { made = destroyed = 0; }

  static inline int made = 0;
  static inline int destroyed = 0;
};

}  // namespace celeriac::test
