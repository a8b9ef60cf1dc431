#include "cli/verbs.h"

int main(int argc, char **argv)
{
    return verbs_main(argc - 1, argv + 1);
}
