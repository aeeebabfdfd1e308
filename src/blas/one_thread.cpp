#include "blas/one_thread.h"

#include <cblas.h>

#include <mutex>

namespace reprise {
namespace {

std::mutex lock;
int living = 0;
int set_by_program = 0;

}  // namespace

OneBlasThread::OneBlasThread() {
  const std::lock_guard guard(lock);
  if (living++ > 0) return;
  set_by_program = openblas_get_num_threads();
  openblas_set_num_threads(1);
}

OneBlasThread::~OneBlasThread() {
  const std::lock_guard guard(lock);
  if (--living == 0) openblas_set_num_threads(set_by_program);
}

}  // namespace reprise
