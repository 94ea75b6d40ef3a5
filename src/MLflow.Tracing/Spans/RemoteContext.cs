using System.Diagnostics;
using System.Globalization;

namespace MLflow;

/// <summary>
/// What another process says of the trace that work belongs to: W3C Trace Context (<c>traceparent</c>) and, of W3C Baggage, the members that are ours.
/// Immutable.
/// </summary>
/// <param name="Parent">The span that the work belongs below; null where only baggage came.</param>
/// <param name="Session">The conversation; null where it was not said.</param>
/// <param name="User">The end user; null where it was not said.</param>
internal sealed record RemoteContext(RemoteParent? Parent, string? Session, string? User)
{
    public const string TraceParentHeader = "traceparent";
    public const string BaggageHeader = "baggage";

    // 00-<32>-<16>-<2>
    private const int TraceParentLength = 55;

    /// <summary>Null where neither says anything. Headers come from outside: what is wrong in them is told once and passed over.</summary>
    public static RemoteContext? Read(string? traceparent, string? baggage, SelfLog log)
    {
        var parent = ReadParent(traceparent);
        if (parent is null && !string.IsNullOrWhiteSpace(traceparent))
        {
            log.Warn("traceparent", $"A traceparent header was passed over, and a trace begun instead: '{TracePreview.Cut(traceparent, 80)}' is not of the form 00-<trace id>-<span id>-<flags>.");
        }

        var session = ReadBaggage(baggage, TraceKeys.Session);
        var user = ReadBaggage(baggage, TraceKeys.User);
        return parent is null && session is null && user is null ? null : new RemoteContext(parent, session, user);
    }

    /// <summary>Headers that continue the span's trace elsewhere.</summary>
    public static string WriteParent(LiveSpan span) =>
        $"00-{span.Trace.OtelTraceId.ToHexString()}-{span.OtelSpanId.ToHexString()}-{(span.Trace.Fate == TraceFate.Kept ? "01" : "00")}";

    /// <summary>Session and user of the trace; null where neither was said.</summary>
    public static string? WriteBaggage(ActiveTrace trace)
    {
        var members = trace.Metadata()
            .Where(pair => pair.Key is TraceKeys.Session or TraceKeys.User)
            .Select(pair => $"{pair.Key}={Uri.EscapeDataString(pair.Value)}")
            .Order(StringComparer.Ordinal);
        return string.Join(',', members) is { Length: > 0 } text ? text : null;
    }

    private static RemoteParent? ReadParent(string? header)
    {
        var text = header.AsSpan().Trim();

        // A later version may have more behind what version 00 has.
        if (text.Length < TraceParentLength
            || text[2] != '-' || text[35] != '-' || text[52] != '-'
            || !IsHex(text[..2]) || text is ['f', 'f', ..]
            || (text.Length > TraceParentLength && (text is ['0', '0', ..] || text[TraceParentLength] != '-'))
            || !RandomId.IsTrace(text[3..35]) || !RandomId.IsSpan(text[36..52]) || !IsHex(text[53..55]))
        {
            return null;
        }

        var flags = byte.Parse(text[53..55], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        return new RemoteParent(ActivityTraceId.CreateFromString(text[3..35]), ActivitySpanId.CreateFromString(text[36..52]), (flags & 1) != 0);
    }

    private static bool IsHex(ReadOnlySpan<char> text) => char.IsAsciiHexDigitLower(text[0]) && char.IsAsciiHexDigitLower(text[1]);

    private static string? ReadBaggage(string? header, string key)
    {
        foreach (var range in header.AsSpan().Split(','))
        {
            // Properties of a member stand behind a semicolon.
            var member = header.AsSpan()[range];
            var pair = member.IndexOf(';') is >= 0 and var end ? member[..end] : member;
            if (pair.IndexOf('=') is > 0 and var equals && pair[..equals].Trim().SequenceEqual(key))
            {
                return Uri.UnescapeDataString(pair[(equals + 1)..].Trim()) is { Length: > 0 } value ? value : null;
            }
        }

        return null;
    }
}
