// Overwriting of argv, whose strings follow each other in memory.
#include "process_title.h"

#include <string.h>

static char *area;
static size_t area_size;

void title_init(int argc, char **argv) {
  if (argc < 1)
    return;
  area = argv[0];
  char *end = area;
  for (int i = 0; i < argc && argv[i] == end; i++)
    end += strlen(argv[i]) + 1;
  area_size = (size_t)(end - area);
}

void title_set(const char *title) {
  if (area_size < 2)
    return;
  memset(area, 0, area_size);
  size_t length = strlen(title);
  memcpy(area, title, length < area_size - 1 ? length : area_size - 1);
}
