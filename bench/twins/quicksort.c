/* quicksort: the C twin of programs/quicksort.tal. Same algorithm, same widths, same output.
 * The seed and the number of rounds are volatile. */

#include <stdint.h>
#include <stdio.h>

#define COUNT 4096
#define SHORT_RUN 8

static volatile uint16_t seed = 0x2026;
static volatile uint8_t rounds = 200;
static uint16_t numbers[COUNT], state;

static uint16_t random16(void)
{
	state ^= (uint16_t)(state << 7);
	state ^= state >> 9;
	state ^= (uint16_t)(state << 8);
	return state;
}

static uint16_t *partition(uint16_t *first, uint16_t *last)
{
	uint16_t pivot = first[(last - first) / 2];
	uint16_t *low = first - 1, *high = last + 1, swap;

	for (;;) {
		do
			low++;
		while (*low < pivot);
		do
			high--;
		while (*high > pivot);
		if (high <= low)
			return high;
		swap = *high;
		*high = *low;
		*low = swap;
	}
}

static void quicksort(uint16_t *first, uint16_t *last)
{
	uint16_t *split;

	while (first + SHORT_RUN < last) {
		split = partition(first, last);
		quicksort(first, split);
		first = split + 1;
	}
}

static void insertion_sort(void)
{
	uint16_t *next, *slot, value;

	for (next = numbers + 1; next != numbers + COUNT; next++) {
		value = *next;
		for (slot = next; slot != numbers && value < slot[-1]; slot--)
			*slot = slot[-1];
		*slot = value;
	}
}

int main(void)
{
	uint16_t i, checksum = 0;
	uint8_t left;

	state = seed;
	for (left = rounds; left; left--) {
		for (i = 0; i < COUNT; i++)
			numbers[i] = random16();
		quicksort(numbers, numbers + COUNT - 1);
		insertion_sort();
	}
	for (i = 0; i < COUNT; i++)
		checksum = (uint16_t)(checksum * 31u) ^ numbers[i];
	printf("quicksort %04x %04x %04x %04x\n", numbers[0], numbers[COUNT / 2],
	       numbers[COUNT - 1], checksum);
	return 0;
}
