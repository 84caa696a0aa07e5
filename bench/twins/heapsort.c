/* heapsort: the C twin of programs/heapsort.tal. Same algorithm, same widths, same output.
 * The seed and the number of rounds are volatile. */

#include <stdint.h>
#include <stdio.h>

#define COUNT 2048

static volatile uint16_t seed = 0x2026;
static volatile uint8_t rounds = 120;
static uint16_t numbers[COUNT], state, size;

static uint16_t random16(void)
{
	state ^= (uint16_t)(state << 7);
	state ^= state >> 9;
	state ^= (uint16_t)(state << 8);
	return state;
}

static void sift_down(uint16_t i, uint16_t value)
{
	uint16_t child;

	while ((child = 2 * i + 1) < size) {
		if (child + 1 < size && numbers[child] < numbers[child + 1])
			child++;
		if (numbers[child] <= value)
			break;
		numbers[i] = numbers[child];
		i = child;
	}
	numbers[i] = value;
}

static void heapsort(void)
{
	uint16_t i, last;

	size = COUNT;
	for (i = COUNT / 2; i--;)
		sift_down(i, numbers[i]);
	while (size > 1) {
		last = numbers[--size];
		numbers[size] = numbers[0];
		sift_down(0, last);
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
		heapsort();
	}
	for (i = 0; i < COUNT; i++)
		checksum = (uint16_t)(checksum * 31u) ^ numbers[i];
	printf("heapsort %04x %04x %04x\n", numbers[0], numbers[COUNT - 1], checksum);
	return 0;
}
