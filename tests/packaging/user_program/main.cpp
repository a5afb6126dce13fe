#include <celeriac/worker.h>

extern "C" void celeriac_register_tasks(celeriac::Registry&);  // made by CELERIAC_MODULE

int main(int argc, char** argv) {
  return celeriac::run_worker(argc, argv, celeriac_register_tasks);
}
