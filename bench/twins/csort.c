/* The work of programs/csort.tal: shell sort of records of two words. */

#include <stdint.h>
#include <stdio.h>

#define RECORDS 1500

struct record {
	uint16_t key, number;
};

static volatile uint16_t first_seed = 0x1234;
static uint16_t seed;
static struct record records[RECORDS];

static void fill(void)
{
	unsigned i;

	for (i = 0; i < RECORDS; i++) {
		seed = (uint16_t)(seed * 0x6255u + 0x3619u);
		records[i].key = seed;
		records[i].number = (uint16_t)i;
	}
}

static int less(const struct record *a, const struct record *b)
{
	return a->key < b->key;
}

static void exchange(struct record *a, struct record *b)
{
	struct record kept = *a;

	*a = *b;
	*b = kept;
}

static void sort(void)
{
	unsigned gap, i, j;

	for (gap = 364; gap > 0; gap /= 3)
		for (i = gap; i < RECORDS; i++)
			for (j = i; j >= gap && less(&records[j], &records[j - gap]); j -= gap)
				exchange(&records[j], &records[j - gap]);
}

static uint16_t total(void)
{
	uint16_t sum = 0;
	unsigned i;

	for (i = 0; i < RECORDS; i++)
		sum = (uint16_t)(sum * 5u + records[i].key + records[i].number);
	return sum;
}

int main(void)
{
	uint16_t sum = 0;
	int round;

	seed = first_seed;
	for (round = 0; round < 6; round++) {
		fill();
		sort();
		sum = (uint16_t)(sum * 3u + total());
	}
	printf("csort %u\n", (unsigned)sum);
	return 0;
}
