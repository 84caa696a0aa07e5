/* queens: the C twin of programs/queens.tal. Same algorithm, same widths, same output.
 * The board's size is volatile. */

#include <stdint.h>
#include <stdio.h>

static volatile uint16_t board_mask = 0x1fff;
static uint16_t board, solutions;

static void place(uint16_t columns, uint16_t left, uint16_t right)
{
	uint16_t available, square;

	if (columns == board) {
		solutions++;
		return;
	}
	available = ((columns | left | right) & board) ^ board;
	while (available) {
		square = available & (uint16_t)-available;
		available ^= square;
		place(columns | square, (uint16_t)((left | square) << 1), (right | square) >> 1);
	}
}

int main(void)
{
	board = board_mask;
	place(0, 0, 0);
	printf("queens %u\n", solutions);
	return 0;
}
