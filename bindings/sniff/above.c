// What a line above the records could be.
#include "sniff/above.h"

#include "sniff/cell.h"

enum { LONGEST_NAME = 63, MOST_SPLIT = 4 };

static const char others[] = ",;\t|";

// A line split at every occurrence of a delimiter, ignoring quotes.
typedef struct Parts {
  size_t count;
  size_t filled;
  size_t names; // words and texts
  size_t words; // of these, without blanks
  size_t data;
  bool led;           // some part has a blank before it, as prose has it after a comma
  bool first_is_data; // and no label
} Parts;

static void note_part(Parts *parts, const char *text, size_t len) {
  parts->led |= parts->count++ > 0 && len > 1 && *text == ' ';
  while (len > 0 && (*text == '"' || *text == '\'')) {
    text++;
    len--;
  }
  while (len > 0 && strchr("\"'\r\n", text[len - 1]))
    len--;
  SniffCell kind = sniff_cell(text, len);
  parts->filled += kind != CELL_EMPTY;
  parts->names += kind == CELL_WORD || kind == CELL_TEXT;
  parts->words += kind == CELL_WORD;
  parts->data += sniff_cell_is_data(kind);
  parts->first_is_data |= parts->count == 1 && sniff_cell_is_data(kind) && kind != CELL_BOOLEAN;
}

static Parts part_line(const char *line, size_t len, const char *delimiter, size_t size) {
  Parts parts = {0};
  size_t from = 0;
  for (size_t at = 0; size > 0 && at + size <= len; at++) {
    if (memcmp(line + at, delimiter, size) != 0)
      continue;
    note_part(&parts, line + from, at - from);
    at += size - 1;
    from = at + 1;
  }
  note_part(&parts, line + from, len - from);
  return parts;
}

static Parts part_record(const SniffRecord *record) {
  Parts parts = {0};
  for (size_t i = 0; i < record->count; i++)
    note_part(&parts, record->fields[i].text, record->fields[i].len);
  return parts;
}

static bool is_near(size_t count, size_t columns) {
  return count + 1 >= columns && count <= columns + 1;
}

// Judges the parts at the table's delimiter.
static SniffAbove judge_own(const Parts *parts, size_t columns, bool broken) {
  bool enough = parts->count * 2 >= columns;
  if (parts->count < 2 || parts->filled < 2 || !enough)
    return SNIFF_ABOVE_NONE;
  bool names = parts->names == parts->filled ||
               (parts->names + 1 == parts->filled && parts->data == 0 && columns > 2 &&
                is_near(parts->count, columns)); // "id,name,qty;town"
  if (names && !(parts->led && columns == 2))
    return columns > 2 || parts->filled > columns || parts->filled < parts->count || broken
               ? SNIFF_ABOVE_NAMES
               : SNIFF_ABOVE_NONE;
  if (parts->data > 0 && (columns > 2 || !parts->led))
    return SNIFF_ABOVE_DATA;
  return broken && is_near(parts->count, columns) ? SNIFF_ABOVE_DATA : SNIFF_ABOVE_NONE;
}

// Judges them at another delimiter: prose has blanks after its commas.
static SniffAbove judge_other(const Parts *parts, size_t columns) {
  bool enough = parts->count == columns || (parts->count > 2 && parts->count * 2 >= columns);
  if (parts->count < 2 || parts->led || !enough || parts->filled < parts->count)
    return SNIFF_ABOVE_NONE;
  if (parts->words == parts->count || (parts->count == columns && parts->names == parts->count))
    return SNIFF_ABOVE_NAMES;
  return parts->count == columns && parts->data > 0 && parts->data + parts->names == parts->count
             ? SNIFF_ABOVE_DATA
             : SNIFF_ABOVE_NONE;
}

static void look_otherwise(const char *line, size_t len, const SniffDialect *dialect,
                           size_t columns, SniffAboveLine *above) {
  for (const char *sign = others; *sign && !above->what; sign++) {
    if (*sign == dialect->delimiter[0])
      continue;
    Parts parts = part_line(line, len, sign, 1);
    above->what = judge_other(&parts, columns);
    if (above->what) {
      above->fields = parts.count;
      above->sign = *sign;
    }
  }
}

// A delimiter that is common splits more values than these only in a table.
static bool is_name_of_one(const SniffRecord *record, const Parts *parts,
                           const SniffDialect *dialect, size_t columns) {
  bool common = dialect->delimiter_len == 1 && strchr(others, *dialect->delimiter);
  bool one = parts->count == 1 || (!common && parts->filled == 1);
  return one && parts->filled == 1 && parts->data == 0 && record->length <= LONGEST_NAME &&
         (!common || columns <= MOST_SPLIT);
}

// One word is seldom a title; it may be the name of the one column that values such as "7,50" or
// "Anna Koch" have been separated from.
static bool is_lone_name(const Parts *parts, const SniffDialect *dialect, size_t columns) {
  bool narrow = columns == 2 || strcmp(dialect->delimiter, " ") == 0;
  return narrow && parts->count == 1 && parts->words == 1;
}

// Names that are in quotes all together, as of a table that was quoted twice.
static void look_inside(const SniffRecord *record, const char *line, const SniffDialect *dialect,
                        size_t columns, SniffAboveLine *above) {
  if (record->count != 1 || !dialect->quote || *line != dialect->quote)
    return;
  Parts parts = part_line(line, record->length, dialect->delimiter, dialect->delimiter_len);
  above->what = judge_other(&parts, columns);
  above->fields = above->what ? parts.count : above->fields;
}

void sniff_above(const SniffRecord *record, const char *line, const SniffDialect *dialect,
                 size_t columns, SniffAboveLine *above) {
  bool broken = record->broken || record->unterminated;
  Parts parts = broken ? part_line(line, record->length, dialect->delimiter, dialect->delimiter_len)
                       : part_record(record);
  *above = (SniffAboveLine){.what = judge_own(&parts, columns, broken), .fields = parts.count};
  if (!above->what && is_lone_name(&parts, dialect, columns))
    above->what = SNIFF_ABOVE_COLUMN;
  if (!above->what && columns > 1)
    look_inside(record, line, dialect, columns, above);
  if (!above->what && columns > 1)
    look_otherwise(line, record->length, dialect, columns, above);
  above->lone = is_name_of_one(record, &parts, dialect, columns);
  above->near = above->what && is_near(above->fields, columns);
  above->led_by_data =
      parts.first_is_data && parts.count > 1 && parts.filled == parts.count && !parts.led;
}

bool sniff_parts_otherwise(const char *line, size_t len, const SniffDialect *dialect,
                           size_t columns) {
  for (const char *sign = others; *sign; sign++) {
    if (*sign == dialect->delimiter[0])
      continue;
    Parts parts = part_line(line, len, sign, 1);
    if (columns > 1 && parts.count == columns && !parts.led)
      return true;
  }
  return false;
}
