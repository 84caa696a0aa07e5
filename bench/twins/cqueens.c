/* The work of programs/cqueens.tal: the queens problem, each square tried against all rows before. */

#include <stdio.h>

static volatile int board_size = 9;
static int size;
static int columns[16];
static int count;

static int conflict(int row, int col)
{
	int i;

	for (i = 0; i < row; i++) {
		int distance = row - i;

		if (columns[i] == col || columns[i] == col - distance || columns[i] == col + distance)
			return 1;
	}
	return 0;
}

static void solve(int row)
{
	int col;

	if (row == size) {
		count++;
		return;
	}
	for (col = 0; col < size; col++) {
		if (!conflict(row, col)) {
			columns[row] = col;
			solve(row + 1);
		}
	}
}

int main(void)
{
	size = board_size;
	solve(0);
	printf("cqueens %d\n", count);
	return 0;
}
