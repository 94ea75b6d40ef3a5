using MLflow.Server.Traces;

namespace MLflow.Server.Ui.List;

/// <summary>
/// The rows of an endless list. Pages are found by keyset, each from the last row of the one before it, so none is skipped or repeated; those far from
/// what is read are forgotten but for the ids of their traces, and read again on the way back.
/// </summary>
internal sealed class RowPages
{
    // On each side of the page that is read.
    private const int Around = 2;
    private readonly Func<string?, Task<TracePage>> _read;
    private readonly List<Page> _pages = [];
    private int _first;
    private int _last;
    private int? _wanted;
    private bool _isMoving;

    /// <param name="read">Reads the page that a token begins; null for the first.</param>
    /// <param name="first">The first page.</param>
    /// <param name="token">Its own token.</param>
    public RowPages(Func<string?, Task<TracePage>> read, TracePage first, string? token)
    {
        _read = read;
        _pages.Add(new Page(token, first));
    }

    /// <summary>The traces that are at hand, in their order.</summary>
    public IEnumerable<TraceInfo> Rows => _pages[_first..(_last + 1)].SelectMany(page => page.Rows ?? []);

    /// <summary>Rows before those.</summary>
    public int Before => _pages[.._first].Sum(page => page.Ids.Count);

    /// <summary>Rows after those that have been seen.</summary>
    public int After => _pages[(_last + 1)..].Sum(page => page.Ids.Count);

    /// <summary>Where the first page that nobody has seen begins; null where there is none.</summary>
    public string? NextToken => _pages[^1].NextToken;

    /// <summary>The ids of all rows that have been seen, in their order.</summary>
    public IReadOnlyList<string> Ids => [.. _pages.SelectMany(page => page.Ids)];

    /// <summary>Reads what is around a row. While that is being read, another row takes its turn afterwards, or a page would be read and shown twice.</summary>
    public async Task MoveAsync(int row)
    {
        _wanted = row;
        if (_isMoving)
        {
            return;
        }

        _isMoving = true;
        try
        {
            while (_wanted is { } next)
            {
                _wanted = null;
                await ReadAroundAsync(next);
            }
        }
        finally
        {
            _isMoving = false;
        }
    }

    /// <summary>Puts newer readings of traces in the places of the older ones.</summary>
    public void Replace(IReadOnlyDictionary<string, TraceInfo> traces)
    {
        foreach (var page in _pages.Where(page => page.Rows is not null))
        {
            page.Rows = [.. page.Rows!.Select(trace => traces.GetValueOrDefault(trace.TraceId, trace))];
        }
    }

    private async Task ReadAroundAsync(int row)
    {
        var at = PageOf(row);
        var first = Math.Max(0, at - Around);
        var last = at + Around;
        for (var i = first; i <= last; i++)
        {
            if (i == _pages.Count)
            {
                if (_pages[^1].NextToken is not { } next)
                {
                    break;
                }

                _pages.Add(new Page(next, await _read(next)));
            }
            else if (_pages[i].Rows is null)
            {
                _pages[i] = new Page(_pages[i].Token, await _read(_pages[i].Token)) { NextToken = i + 1 < _pages.Count ? _pages[i + 1].Token : _pages[i].NextToken };
            }
        }

        (_first, _last) = (first, Math.Min(last, _pages.Count - 1));
        for (var i = 0; i < _pages.Count; i++)
        {
            if (i < _first || i > _last)
            {
                _pages[i].Rows = null;
            }
        }
    }

    private int PageOf(int row)
    {
        for (var (i, rows) = (0, 0); i < _pages.Count; i++)
        {
            rows += _pages[i].Ids.Count;
            if (row < rows)
            {
                return i;
            }
        }

        return _pages.Count - 1;
    }

    private sealed class Page
    {
        public Page(string? token, TracePage page)
        {
            Token = token;
            Rows = page.Traces;
            Ids = [.. page.Traces.Select(trace => trace.TraceId)];
            NextToken = page.NextPageToken;
        }

        public string? Token { get; }

        public IReadOnlyList<TraceInfo>? Rows { get; set; }

        public IReadOnlyList<string> Ids { get; }

        public string? NextToken { get; init; }
    }
}
