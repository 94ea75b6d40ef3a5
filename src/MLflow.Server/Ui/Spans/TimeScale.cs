using System.Globalization;

namespace MLflow.Server.Ui.Spans;

/// <summary>Time on a ruler: evenly, but for long stretches in which nothing happened, which are squeezed.</summary>
public sealed class TimeScale
{
    // A gap of a fifth of what is shown takes more room than any step beside it tells.
    private const double IdleShare = 0.2;
    private const double SqueezedPercent = 5;

    private TimeScale(IReadOnlyList<ScaleSegment> segments) => Segments = segments;

    /// <summary>From left to right, without gaps.</summary>
    public IReadOnlyList<ScaleSegment> Segments { get; }

    public IEnumerable<ScaleSegment> Idle => Segments.Where(segment => segment.IsIdle);

    public double FromMs => Segments[0].FromMs;

    public double ToMs => Segments[^1].ToMs;

    /// <summary>For the script that zooms: <c>[[from, to, left, right], …]</c>.</summary>
    public string Data => "[" + string.Join(',', Segments.Select(s => string.Create(CultureInfo.InvariantCulture, $"[{s.FromMs:0.###},{s.ToMs:0.###},{s.Left:0.###},{s.Right:0.###}]"))) + "]";

    /// <summary>The scale of a stretch of time.</summary>
    /// <param name="fromMs">Its start.</param>
    /// <param name="toMs">Its end.</param>
    /// <param name="busy">When something happened; times in milliseconds, in any order.</param>
    public static TimeScale Of(double fromMs, double toMs, IEnumerable<(double FromMs, double ToMs)> busy)
    {
        toMs = Math.Max(toMs, fromMs + 0.001);
        var least = (toMs - fromMs) * IdleShare;
        var idle = new List<(double From, double To)>();
        var until = fromMs;
        foreach (var (from, to) in busy.OrderBy(stretch => stretch.FromMs))
        {
            if (Math.Min(from, toMs) - until > least)
            {
                idle.Add((until, Math.Min(from, toMs)));
            }

            until = Math.Max(until, to);
        }

        if (idle.Count == 0)
        {
            return new TimeScale([new ScaleSegment(fromMs, toMs, 0, 100, false)]);
        }

        var perMs = (100 - idle.Count * SqueezedPercent) / (toMs - fromMs - idle.Sum(gap => gap.To - gap.From));
        var segments = new List<ScaleSegment>();
        var (at, left) = (fromMs, 0.0);
        foreach (var (from, to) in idle.Append((From: toMs, To: toMs)))
        {
            if (from > at)
            {
                segments.Add(new ScaleSegment(at, from, left, left += (from - at) * perMs, false));
            }

            if (to > from)
            {
                segments.Add(new ScaleSegment(from, to, left, left += SqueezedPercent, true));
            }

            at = to;
        }

        return new TimeScale(segments);
    }

    /// <summary>Percent of the ruler for an instant; what lies outside is at the edge.</summary>
    public double Left(double ms)
    {
        foreach (var segment in Segments)
        {
            if (ms <= segment.ToMs)
            {
                return ms <= segment.FromMs ? segment.Left : segment.Left + (ms - segment.FromMs) / (segment.ToMs - segment.FromMs) * (segment.Right - segment.Left);
            }
        }

        return 100;
    }

    /// <summary>Reads <c>from-to</c> of an address; null for anything else.</summary>
    public static (double FromMs, double ToMs)? Parse(string? zoom)
    {
        var words = (zoom ?? "").Split('-');
        return words.Length == 2 && Figure(words[0]) is { } from && Figure(words[1]) is { } to && to > from ? (from, to) : null;
    }

    /// <summary>As <see cref="Parse"/> reads it.</summary>
    public static string Text(double fromMs, double toMs) => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, fromMs):0.###}-{toMs:0.###}");

    private static double? Figure(string word) => double.TryParse(word, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var figure) && figure < 1e12 ? figure : null;
}
