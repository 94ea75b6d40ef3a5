using System.Globalization;

namespace MLflow.Server.Ui.Spans;

/// <summary>
/// The part of the rows that is in the page. Rows have fixed heights, so where each stands is arithmetic; above and below there is empty room of the
/// right size. Heights are units that the style sheet gives a size, which differs by the width of the screen.
/// </summary>
/// <param name="First">The first row that is in the page.</param>
/// <param name="Count">How many are.</param>
public readonly record struct SurfaceWindow(int First, int Count)
{
    /// <summary>Traces of so many rows are in the page as a whole.</summary>
    public const int Whole = 300;

    /// <summary>Rows that are drawn: three screens and more, so that scrolling does not run out of them while the server is asked.</summary>
    public const int Size = 120;

    /// <summary>The window that has a row in its middle, or all rows where they are few.</summary>
    public static SurfaceWindow Around(SurfaceRows rows, int row) => rows.Rows.Count <= Whole
        ? new SurfaceWindow(0, rows.Rows.Count)
        : new SurfaceWindow(Math.Clamp(row - Size / 2, 0, rows.Rows.Count - Size), Size);

    /// <summary>The window for a place on the screen.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="place"><c>top,height,row,line</c> in pixels: the middle of what is seen is <c>top + height / 2</c> below the first row.</param>
    /// <returns>Null where <paramref name="place"/> is no place.</returns>
    public static SurfaceWindow? At(SurfaceRows rows, string? place)
    {
        var figures = (place ?? "").Split(',').Select(word => double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var figure) && double.IsFinite(figure) ? figure : -1).ToList();
        if (figures is not [>= 0, >= 0, > 0, >= 0])
        {
            return null;
        }

        var middle = figures[0] + figures[1] / 2;
        var (low, high) = (0, rows.Rows.Count);
        while (low < high)
        {
            var row = (low + high) / 2;
            if (row * figures[2] + rows.LinesBefore(row) * figures[3] < middle)
            {
                low = row + 1;
            }
            else
            {
                high = row;
            }
        }

        return Around(rows, low);
    }

    /// <summary>Style of the room above the window and below it.</summary>
    public string Room(SurfaceRows rows) => string.Create(
        CultureInfo.InvariantCulture,
        $"padding-top:calc(var(--rh) * {First} + var(--eh) * {rows.LinesBefore(First)});padding-bottom:calc(var(--rh) * {rows.Rows.Count - First - Count} + var(--eh) * {rows.LinesBefore(rows.Rows.Count) - rows.LinesBefore(First + Count)})");
}
