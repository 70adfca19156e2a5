# How code is compiled: warnings, hardening, sanitizers and coverage as INTERFACE targets that
# every component links through copsec::build. Presets choose; nothing is forced on packagers.
option(COPSEC_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(COPSEC_HARDEN "Hardening flags of a release build" OFF)
option(COPSEC_COVERAGE "Coverage counters" OFF)
option(COPSEC_FUZZ "Build the fuzzers with libFuzzer (clang)" OFF)
option(COPSEC_WERROR "Treat warnings as errors" OFF)

add_library(copsec-build INTERFACE)
add_library(copsec::build ALIAS copsec-build)
target_compile_features(copsec-build INTERFACE c_std_17)
target_compile_definitions(copsec-build INTERFACE
  _GNU_SOURCE COPSEC_VERSION="${PROJECT_VERSION}")
target_include_directories(copsec-build INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(copsec-build INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wvla -Wmissing-prototypes
  -Wstrict-prototypes -Wcast-qual -Wformat=2 -Wwrite-strings -Wundef -Wpointer-arith)

if(COPSEC_WERROR)
  target_compile_options(copsec-build INTERFACE -Werror)
endif()
if(COPSEC_SANITIZE)
  target_compile_options(copsec-build INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(copsec-build INTERFACE -fsanitize=address,undefined)
endif()
if(COPSEC_HARDEN)
  target_compile_options(copsec-build INTERFACE
    -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE)
  target_link_options(copsec-build INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
if(COPSEC_COVERAGE)
  target_compile_options(copsec-build INTERFACE --coverage)
  target_link_options(copsec-build INTERFACE --coverage)
endif()
if(COPSEC_FUZZ)
  target_compile_options(copsec-build INTERFACE -fsanitize=fuzzer-no-link)
endif()
