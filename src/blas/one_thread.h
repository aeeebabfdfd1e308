#pragma once

namespace reprise {

/// While one of these lives, BLAS runs each call on the thread that makes it; the last to go brings
/// back the number of threads that the program had set. OpenBLAS knows that number for the whole
/// process only, so a program that calls BLAS itself meanwhile may be served by one thread, too.
/// May be made on several threads at once.
class OneBlasThread {
 public:
  OneBlasThread();
  ~OneBlasThread();
  OneBlasThread(const OneBlasThread&) = delete;
  OneBlasThread& operator=(const OneBlasThread&) = delete;
};

}  // namespace reprise
