#pragma once

namespace reprise {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace reprise
