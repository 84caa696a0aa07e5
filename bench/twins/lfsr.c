/* lfsr: the C twin of programs/lfsr.tal. Same algorithm, same widths, same output.
 * The first state and the number of rounds are volatile. */

#include <stdint.h>
#include <stdio.h>

static volatile uint16_t first = 1;
static volatile uint8_t rounds = 100;
static uint16_t accumulator, taken;

static void act(uint16_t state)
{
	switch (state & 7) {
	case 0: accumulator++; break;
	case 1: accumulator ^= state; break;
	case 2: accumulator *= 3; break;
	case 3: accumulator = state + (accumulator >> 1); break;
	case 4: accumulator += state >> 8; break;
	case 5: accumulator -= state; break;
	case 6: accumulator = (uint16_t)(accumulator << 8 | accumulator >> 8); break;
	case 7: taken += accumulator > 0x1234; break;
	}
}

int main(void)
{
	uint8_t left;
	uint16_t state;

	for (left = rounds; left; left--) {
		state = first;
		do {
			act(state);
			state = state & 1 ? state >> 1 ^ 0xb400 : state >> 1;
		} while (state != 1);
	}
	printf("lfsr %04x %04x\n", accumulator, taken);
	return 0;
}
