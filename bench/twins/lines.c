/* lines: the C twin of programs/lines.tal. Same algorithm, same widths, same output.
 * The seed and the number of lines are volatile. */

#include <stdint.h>
#include <stdio.h>

#define SIZE 128

static volatile uint16_t seed = 0x2026, lines = 20000;
static uint8_t picture[SIZE * SIZE];
static uint16_t state;

static uint16_t random16(void)
{
	state ^= (uint16_t)(state << 7);
	state ^= state >> 9;
	state ^= (uint16_t)(state << 8);
	return state;
}

static int16_t magnitude(int16_t difference)
{
	return difference < 0 ? (int16_t)-difference : difference;
}

static void line(int16_t x, int16_t y, int16_t x2, int16_t y2)
{
	int16_t dx = magnitude(x2 - x), step_x = x2 < x ? -1 : 1;
	int16_t dy = -magnitude(y2 - y), step_y = y2 < y ? -1 : 1;
	int16_t error = dx + dy, twice;

	for (;;) {
		picture[SIZE * y + x]++;
		if (x == x2 && y == y2)
			return;
		twice = 2 * error;
		if (twice >= dy) {
			error += dy;
			x += step_x;
		}
		if (twice <= dx) {
			error += dx;
			y += step_y;
		}
	}
}

int main(void)
{
	uint16_t left, from, to, i, checksum = 0;

	state = seed;
	for (left = lines; left; left--) {
		from = random16();
		to = random16();
		line(from >> 8 & 0x7f, from & 0x7f, to >> 8 & 0x7f, to & 0x7f);
	}
	for (i = 0; i < SIZE * SIZE; i++)
		checksum = (uint16_t)(checksum * 31u + picture[i]);
	printf("lines %04x\n", checksum);
	return 0;
}
