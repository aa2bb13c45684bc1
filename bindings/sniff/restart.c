// See restart.h.
#include "sniff/restart.h"

#include "sniff/cell.h"

static SniffCell kind_of(const SniffField *field) {
  return sniff_cell(field->text, field->len);
}

static bool is_name(SniffCell kind) {
  return kind == CELL_WORD || kind == CELL_TEXT || kind == CELL_BOOLEAN; // "n", "on"
}

void sniff_restart_free(SniffRestart *restart) {
  buffer_free(&restart->over);
}

// Whether each cell is a word, as names are.
static bool take_names(SniffRestart *restart, const SniffRecord *record) {
  buffer_clear(&restart->over);
  restart->below = 0;
  for (size_t i = 0; i < record->count; i++) {
    if (!is_name(kind_of(&record->fields[i])))
      return false;
    buffer_put_u8(&restart->over, 1);
  }
  return record->count > 0 && !restart->over.failed;
}

static bool is_data(SniffCell kind) {
  return kind != CELL_BOOLEAN && sniff_cell_is_data(kind);
}

// Whether some column had data in each record below the names.
static bool is_below_names(SniffRestart *restart, const SniffRecord *record) {
  bool some = false;
  for (size_t i = 0; i < record->count && i < restart->over.len; i++) {
    restart->over.data[i] &= is_data(kind_of(&record->fields[i]));
    some |= restart->over.data[i];
  }
  restart->below++;
  return some;
}

bool sniff_restart(SniffRestart *restart, const SniffRecord *record, uint64_t line) {
  if (restart->after_blank) {
    restart->open = take_names(restart, record);
    restart->line = line;
  } else if (restart->open) {
    restart->open = is_below_names(restart, record);
  }
  restart->after_blank = false;
  bool found = restart->open && restart->below == 2;
  restart->open = restart->open && !found;
  return found;
}
