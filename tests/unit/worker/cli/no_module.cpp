extern "C" int nothing_of_celeriac() {
  return 0;
}
