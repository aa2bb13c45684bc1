// Lines of dashes below the names of a table.
#include "sniff/ruler.h"

#include <string.h>

bool sniff_is_ruler(const SniffRecord *record) {
  size_t signs = 0, filled = sniff_filled(record);
  for (size_t i = 0; i < record->count; i++)
    for (size_t j = 0; j < record->fields[i].len; j++, signs++)
      if (!strchr("-=+: ", record->fields[i].text[j]) || !record->fields[i].text[j])
        return false;
  return filled > 1 && signs >= 2 * filled;
}
