// What is below the records of a table.
#include "sniff/below.h"

#include <ctype.h>
#include <strings.h>

#include "sniff/above.h"

static SniffCell kind_of(const SniffField *field) {
  return sniff_cell(field->text, field->len);
}

static bool says_total(const SniffField *field) {
  static const char *const words[] = {"total", "sum",    "grand total", "subtotal",
                                      "summe", "gesamt", "totale"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    size_t len = strlen(words[i]);
    bool ends = field->len == len || (field->len == len + 1 && field->text[len] == ':');
    if (ends && strncasecmp(field->text, words[i], len) == 0)
      return true;
  }
  return false;
}

// Only the first field that is not empty says it.
static bool is_total(const SniffRecord *record) {
  for (size_t i = 0; i < record->count; i++)
    if (record->fields[i].len > 0)
      return says_total(&record->fields[i]);
  return false;
}

static size_t count_data(const SniffRecord *record) {
  size_t data = 0;
  for (size_t i = 0; i < record->count; i++)
    data += sniff_cell_is_data(kind_of(&record->fields[i]));
  return data;
}

static bool has_letter(const SniffField *field) {
  for (size_t i = 0; i < field->len; i++)
    if (isalpha((unsigned char)field->text[i]) || (unsigned char)field->text[i] >= 0x80)
      return true;
  return false;
}

static bool is_long_text(const SniffField *field) {
  size_t blanks = 0;
  for (size_t i = 0; i < field->len; i++)
    blanks += field->text[i] == ' ';
  return blanks >= 5 && field->len >= 40;
}

// A sentence in the first cell and nothing else, in a wide table of which no record is as empty:
// how a spreadsheet exports a note right below the table.
static bool is_sentence(const SniffRecord *record, size_t columns, const SniffBelow *below) {
  for (size_t i = 1; i < record->count; i++)
    if (kind_of(&record->fields[i]) != CELL_EMPTY)
      return false;
  return columns > 4 && !below->sparse && is_long_text(&record->fields[0]);
}

// A colon after a word, followed by a space or by nothing; not the one of a time.
static bool has_label(const SniffField *field) {
  const char *at = memchr(field->text, ':', field->len), *end = field->text + field->len;
  return at && (at + 1 == end || at[1] == ' ');
}

// "Source: ...", "(12 rows)", "* provisional", and sentences.
static bool begins_note(const SniffField *field) {
  return field->len > 1 && has_letter(field) &&
         (*field->text == '(' || *field->text == '*' || has_label(field) || is_long_text(field));
}

// The end of DOS text files: Ctrl-Z, and nothing else.
static bool is_end_mark(const SniffRecord *record) {
  const SniffField *field = &record->fields[0];
  for (size_t i = 0; record->count == 1 && i < field->len; i++)
    if (field->text[i] != 0x1a)
      return false;
  return record->count == 1 && field->len > 0;
}

// Whether a record with fewer fields than the table has columns is a note: where nothing parts it
// from the records it may be one of them that ends early, or with which the file is cut off.
static bool is_short_note(const SniffRecord *record, const SniffBelow *below) {
  const SniffField *field = &record->fields[0];
  size_t data = count_data(record);
  bool cut = record->end == SNIFF_END_NONE && !below->blank;
  bool lone = record->count == 1 && kind_of(field) == CELL_TEXT;
  if (sniff_cell_is_data(below->first) && (lone || says_total(field)))
    return true; // "2 records", "Total" in a column of numbers or dates
  if (record->count > 1 && cut)
    return false;
  return below->apart ? data < record->count : begins_note(field) && data == 0;
}

// Whether a record below the last good one is text about the table. A record that is broken off,
// has an extra cell or another delimiter, or ends early is malformed data, and must not be skipped.
static bool is_note(const SniffRecord *record, const char *line, const SniffDialect *dialect,
                    size_t columns, const SniffBelow *below) {
  if (record->unterminated || record->count > columns || columns == 1)
    return record->count == 1 && !record->unterminated &&
           (is_end_mark(record) || (columns == 1 && below->apart && begins_note(record->fields)));
  const SniffField *field = &record->fields[0];
  if (record->count == columns)
    return columns > 2 && field->len > 0 && !sniff_cell_is_data(kind_of(field)) &&
           ((below->apart && sniff_filled(record) == 1) || is_sentence(record, columns, below));
  if (record->broken && (record->count > 1 || *line == dialect->quote))
    return false;
  return is_end_mark(record) || (!sniff_parts_otherwise(line, record->length, dialect, columns) &&
                                 is_short_note(record, below));
}

// A sum is distinguished from a record that only has such a name by what comes before it, by an
// empty cell where no record has one, or by where the word is: among numbers or dates.
static bool is_sum(const SniffRecord *record, size_t columns, const SniffBelow *below) {
  bool empty = columns > 2 && sniff_filled(record) < columns && !below->gaps;
  bool among_data = sniff_cell_is_data(below->first) && says_total(&record->fields[0]);
  return is_total(record) && !below->totals && (below->apart || empty || among_data);
}

// A record of the table: what came before it was not below the table.
static bool take_record(const SniffRecord *record, size_t columns, SniffBelow *below) {
  bool right = record->count == columns && !record->unterminated;
  size_t filled = right ? sniff_filled(record) : columns;
  *below = (SniffBelow){.first = right ? kind_of(record->fields) : below->first,
                        .totals = below->totals || below->total || (right && is_total(record)),
                        .sparse = below->sparse || filled < 3,
                        .gaps = below->gaps || filled < columns};
  return false;
}

bool sniff_below(const SniffRecord *record, const char *line, const SniffDialect *dialect,
                 size_t columns, SniffBelow *below) {
  bool right = record->count == columns && !record->unterminated;
  if (record->blank || record->comment || (columns > 1 && right && sniff_filled(record) == 0)) {
    below->apart |= !record->comment;
    below->blank |= record->blank;
  } else {
    bool total = right && columns > 1 && is_sum(record, columns, below);
    if (!total && !is_note(record, line, dialect, columns, below))
      return take_record(record, columns, below);
    below->total |= total;
    below->notes++;
  }
  below->lines += record->lines;
  return true;
}
