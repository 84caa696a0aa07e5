/* life: the C twin of programs/life.tal. Same algorithm, same widths, same output.
 * The seed and the number of generations are volatile. */

#include <stdint.h>
#include <stdio.h>

#define CELLS 4096

static volatile uint16_t seed = 0x2026, generations = 300;
static uint8_t world[CELLS], next[CELLS];

static uint8_t neighbours(uint16_t cell)
{
	static const uint16_t offsets[] = {
		0xfbf, 0xfc0, 0xfc1, 0xfff, 0x001, 0x03f, 0x040, 0x041,
	};
	uint8_t count = 0;
	int i;

	for (i = 0; i < 8; i++)
		count += world[(cell + offsets[i]) & (CELLS - 1)];
	return count;
}

int main(void)
{
	uint16_t i, left, state = seed, population = 0, checksum = 0;

	for (i = 0; i < CELLS; i++) {
		state = (uint16_t)(state * 0x6255u + 0x3619u);
		world[i] = state >> 8 < 0x55;
	}
	for (left = generations; left; left--) {
		for (i = 0; i < CELLS; i++)
			next[i] = (neighbours(i) | world[i]) == 3;
		for (i = 0; i < CELLS; i++)
			world[i] = next[i];
	}
	for (i = 0; i < CELLS; i++) {
		population += world[i];
		checksum = (uint16_t)(checksum * 31u + world[i]);
	}
	printf("life %u %u\n", population, checksum);
	return 0;
}
