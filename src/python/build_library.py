"""What `pip install .` does besides copying Python files: it builds the C library and the binding to it.

The library comes from the folder `build`, or from the one that ANTIPHON_BUILD names. A folder that CMake has not yet
configured is configured first, with the options in CMAKE_ARGS. The binding is compiled against the public headers, so
that the compiler finds the layout of each structure.
"""
import os
import shlex
import shutil
import subprocess
from pathlib import Path

from cffi import FFI
from setuptools.command.build import build
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # setuptools before 70
    from wheel.bdist_wheel import bdist_wheel

ROOT = Path(__file__).resolve().parents[2]
SONAME = "libantiphon.so.0"

# The part of the public headers that the package calls. "..." is what the compiler knows better.
DECLARATIONS = """
typedef float ap_real;
typedef int... sig_atomic_t;

typedef enum ap_code { AP_OK, AP_FAILED, AP_MISUSE, AP_INTERRUPTED } ap_code;
typedef struct ap_status { ap_code code; char message[...]; ...; } ap_status;
const char *ap_version(void);
void ap_stop_flag_set(const volatile sig_atomic_t *flag);
#define AP_SAMPLE_RATE ...
#define AP_METRICS_SAMPLES_LEAST ...

typedef enum ap_barrier { AP_BARRIER_EXTENDED, AP_BARRIER_ORIGINAL } ap_barrier;
ap_real ap_modulation_cost_arrays(int64_t B, int64_t S, int64_t M, ap_barrier barrier, const ap_real *input,
    const ap_real *target, const ap_real *output, ap_real *r_input, ap_real *r_target, ap_real *doutput);

typedef struct ap_shape { int rank; int64_t at[...]; ...; } ap_shape;
typedef struct ap_safetensors ap_safetensors;
ap_status ap_safetensors_open(const char *path, ap_safetensors **file);
void ap_safetensors_close(ap_safetensors *file);
size_t ap_safetensors_count(const ap_safetensors *file);
const char *ap_safetensors_name(const ap_safetensors *file, size_t index);
ap_shape ap_safetensors_shape(const ap_safetensors *file, size_t index);
ap_status ap_safetensors_read(ap_safetensors *file, size_t index, ap_real *data);
const char *ap_safetensors_metadata(const ap_safetensors *file, const char *key);
ap_status ap_run_folder_checkpoint(const char *path, char **checkpoint);
void free(void *);

typedef struct ap_config { ...; } ap_config;
typedef struct ap_model ap_model;
typedef struct ap_composed { double seconds; ...; } ap_composed;
typedef struct ap_knobs { uint64_t seed; ...; } ap_knobs;
typedef struct ap_compose_paths { const char *output; bool limit; ap_knobs knobs; ...; } ap_compose_paths;
typedef struct ap_compose_setting { const char *name, *value; } ap_compose_setting;
ap_status ap_compose_set(const ap_config *config, size_t count, const ap_compose_setting *settings,
    ap_compose_paths *paths);
typedef void ap_compose_watch(void *context, double done, double whole);
ap_status ap_checkpoint_load(const char *path, ap_config *config, ap_model **model);
void ap_model_free(ap_model *model);
ap_status ap_compose_files(const ap_config *config, ap_model *model, const char *input, const char *target,
    const ap_compose_paths *paths, ap_compose_watch *watch, void *context, ap_composed *composed);

typedef enum ap_metric { AP_METRIC_COUNT, ... } ap_metric;
typedef struct ap_metric_text { const char *name, *unit, *meaning, *good; } ap_metric_text;
typedef struct ap_evaluation ap_evaluation;
ap_metric_text ap_metric_describe(ap_metric metric);
ap_evaluation *ap_evaluation_create(void);
void ap_evaluation_free(ap_evaluation *evaluation);
int ap_evaluation_add_system(ap_evaluation *evaluation, const char *name);
ap_status ap_evaluation_begin(ap_evaluation *evaluation, const char *item, int64_t n, const ap_real *input,
    const ap_real *target);
ap_status ap_evaluation_score(ap_evaluation *evaluation, int system, const ap_real *output);
double ap_evaluation_value(const ap_evaluation *evaluation, int system, int64_t item, ap_metric metric);
"""


def build_shared_library():
    """Builds libantiphon.so and returns its path."""
    folder = Path(os.environ.get("ANTIPHON_BUILD", ROOT / "build"))
    if not (folder / "CMakeCache.txt").exists():
        options = ["-DCMAKE_BUILD_TYPE=Release", "-DAP_TESTS=OFF"] + shlex.split(os.environ.get("CMAKE_ARGS", ""))
        if shutil.which("ninja"):
            options.insert(0, "-GNinja")
        subprocess.run(["cmake", "-S", str(ROOT), "-B", str(folder)] + options, check=True)
    subprocess.run(["cmake", "--build", str(folder), "--target", "antiphon_shared", "--parallel", str(os.cpu_count())],
                   check=True)
    return folder / SONAME


def build_binding(library, scratch):
    """Compiles antiphon._binding, which looks for the library beside itself, and returns the path of the extension."""
    scratch.mkdir(parents=True, exist_ok=True)
    linked = scratch / SONAME
    shutil.copy(library, linked)
    ffi = FFI()
    ffi.cdef(DECLARATIONS)
    ffi.set_source("antiphon._binding", "#include <antiphon/antiphon.h>\n#include <signal.h>\n#include <stdlib.h>\n",
                   include_dirs=[str(ROOT / "include")], extra_objects=[str(linked)],
                   extra_compile_args=["-Werror=incompatible-pointer-types", "-Werror=int-conversion"],
                   extra_link_args=["-Wl,-rpath,$ORIGIN"])
    return Path(ffi.compile(tmpdir=str(scratch)))


class Build(build):
    """Keeps what setuptools builds out of CMake's way."""

    def initialize_options(self):
        super().initialize_options()
        self.build_base = "build/python"


class BuildPackage(build_py):
    """The Python files, then the library and the binding beside them."""

    def run(self):
        super().run()
        package = Path(self.build_lib) / "antiphon"
        if self.editable_mode:
            package = ROOT / "src" / "python" / "antiphon"
        library = build_shared_library()
        binding = build_binding(library, Path(self.get_finalized_command("build").build_temp).resolve())
        package.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, package / SONAME)
        shutil.copy(binding, package / binding.name)


class PlatformWheel(bdist_wheel):
    """A wheel for this kind of machine, since it holds compiled code."""

    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = False
