using System.Globalization;

namespace MLflow.Server.Ui.Formatting;

/// <summary>How numbers read, everywhere the same: one precision for each range, so that digits stand under digits. A figure and its unit are never on two lines.</summary>
public static class Figures
{
    private static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    /// <summary>Of milliseconds that are the difference of two others.</summary>
    private const double Imprecision = 1e-6;

    private const string JapaneseDays = "日月火水木金土";

    private static bool IsJapanese => Words.PageLanguage == Words.Japanese;

    /// <summary>
    /// <c>0.4 ms</c>, <c>412 ms</c>, <c>3.42 s</c>, <c>11.8 s</c>, <c>2 min 05 s</c>. A begun millisecond is left out, as it is of a trace's kept time: a list and a page say the same.
    /// </summary>
    public static string Duration(double milliseconds) => milliseconds switch
    {
        < 0 => "0\u00A0ms",
        < 10 - Imprecision => string.Create(Culture, $"{Math.Floor((milliseconds + Imprecision) * 10) / 10:0.0}\u00A0ms"),
        < 1000 - Imprecision => string.Create(Culture, $"{Math.Floor(milliseconds + Imprecision):0}\u00A0ms"),
        < 9_995 => string.Create(Culture, $"{milliseconds / 1000:0.00}\u00A0s"),
        < 119_950 => string.Create(Culture, $"{milliseconds / 1000:0.0}\u00A0s"),
        _ when IsJapanese => string.Create(Culture, $"{Math.Floor(milliseconds / 60_000):#,0}\u00A0分\u00A0{milliseconds / 1000 % 60:00}\u00A0秒"),
        _ => string.Create(Culture, $"{Math.Floor(milliseconds / 60_000):#,0}\u00A0min\u00A0{milliseconds / 1000 % 60:00}\u00A0s"),
    };

    /// <summary><c>2 ms</c>, <c>412 ms</c>, <c>3.42 s</c>: of a trace whose root is not at hand: its time is kept in whole milliseconds, a begun one left out.</summary>
    public static string TraceDuration(double milliseconds) => Math.Floor(milliseconds) switch
    {
        <= 0 => "<1\u00A0ms",
        < 10 and var whole => string.Create(Culture, $"{whole:0}\u00A0ms"),
        var whole => Duration(whole),
    };

    /// <summary><c>1,414 ms</c>: for places that compare instants.</summary>
    public static string Milliseconds(double milliseconds) =>
        Math.Abs(milliseconds) < 9.95 ? string.Create(Culture, $"{milliseconds:0.0}\u00A0ms") : string.Create(Culture, $"{milliseconds:#,0}\u00A0ms");

    /// <summary><c>1,531</c>.</summary>
    public static string Count(long count) => count.ToString("#,0", Culture);

    /// <summary><c>211 B</c>, <c>14.2 KB</c>, <c>3.1 MB</c>.</summary>
    public static string Bytes(long bytes) => bytes switch
    {
        < 1000 => string.Create(Culture, $"{bytes} B"),
        < 1_000_000 => string.Create(Culture, $"{bytes / 1000.0:0.0} KB"),
        _ => string.Create(Culture, $"{bytes / 1_000_000.0:0.0} MB"),
    };

    /// <summary><c>$0.00094</c>, <c>$1.204</c>, <c>$37.20</c>, <c>$1,240</c>; what is not nothing is never written as 0.</summary>
    public static string Usd(decimal dollars) => dollars switch
    {
        0 => "$0",
        < 0.0000005m => "<$0.000001",
        < 0.0000095m => string.Create(Culture, $"${dollars:0.000000}"),
        < 0.99995m => string.Create(Culture, $"${dollars:0.00000}"),
        < 9.9995m => string.Create(Culture, $"${dollars:0.000}"),
        < 999.995m => string.Create(Culture, $"${dollars:0.00}"),
        _ => string.Create(Culture, $"${dollars:#,0}"),
    };

    /// <summary><c>38 %</c>; a share that is not nothing is never written as 0.</summary>
    public static string Percent(double share) => share is > 0 and < 0.01 ? (IsJapanese ? "1% 未満" : "under 1\u00A0%")
        : IsJapanese ? string.Create(Culture, $"{share * 100:0}%") : string.Create(Culture, $"{share * 100:0}\u00A0%");

    /// <summary>A CSS percentage of three decimals.</summary>
    public static string Css(double percent) => string.Create(Culture, $"{percent:0.###}%");

    /// <summary><c>1 call</c>, <c>2 calls</c>; the key of its translation is <c>{0} calls</c>.</summary>
    public static string Plural(long count, string one, string? many = null)
    {
        many ??= one + "s";
        var words = Words.T("{0} " + many, Count(count));
        return count == 1 && Words.PageLanguage == Words.English ? $"1 {one}" : words;
    }

    /// <summary><c>2026-11-23 03:14:07.218 UTC</c>.</summary>
    public static string Instant(long unixMs) =>
        DateTimeOffset.FromUnixTimeMilliseconds(unixMs).ToString("yyyy-MM-dd HH:mm:ss.fff 'UTC'", Culture);

    /// <summary>The time of day for a day like today, otherwise month, day and time. UTC.</summary>
    public static string ShortTime(long unixMs, DateTimeOffset now)
    {
        var time = DateTimeOffset.FromUnixTimeMilliseconds(unixMs);
        var format = time.UtcDateTime.Date == now.UtcDateTime.Date ? "HH:mm:ss"
            : time.Year == now.Year ? (IsJapanese ? "MM/dd HH:mm" : "MM-dd HH:mm")
            : IsJapanese ? "yyyy/MM/dd" : "yyyy-MM-dd";
        return time.ToString(format, Culture);
    }

    /// <summary><c>Mon 23</c>, <c>23日(月)</c>. UTC.</summary>
    public static string Day(DateTimeOffset time) =>
        time.ToString(IsJapanese ? $"d'日({JapaneseDays[(int)time.UtcDateTime.DayOfWeek]})'" : "ddd d", Culture);

    /// <summary><c>Nov 23</c>, <c>11月23日</c>. UTC.</summary>
    public static string MonthDay(DateTimeOffset time) => time.ToString(IsJapanese ? "M'月'd'日'" : "MMM d", Culture);
}
