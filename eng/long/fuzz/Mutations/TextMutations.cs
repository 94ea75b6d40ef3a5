using System.Text;

namespace MLflow.Fuzz;

/// <summary>Changes of words, numbers, quoted texts and bracketed parts: of JSON, of filters, of whatever is text.</summary>
internal static class TextMutations
{
    private static readonly string[] Odd =
    [
        "null", "true", "false", "0", "-1", "1.5", "1e999", "-1e999", "1e-999", "-0.0", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "18446744073709551615",
        "253402300800", "4294967296", "\"\"", "\" \"", "\"0\"", "\"-1\"", "\"1e400\"", "\"NaN\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\u0000\"", "\"\\\\\"", "\"東京😀é\"", "\"%_\\\\%\"", "\"{\\\"a\\\":1}\"", "\"[\"",
        "[]", "{}", "[null]", "[[]]", "{\"\":null}", "{\"a\":1,\"a\":2}", "[1,\"a\",{}]", "''", "'a'", "\"2026-02-30T00:00:00Z\"", "\"0001-01-01T00:00:00Z\"", "\"9999-12-31T23:59:59.999999999Z\"",
        "AND", "OR", "NOT", "(", ")", "=", "!=", "LIKE '%'", "RLIKE '(a+)+$'", "IN ('a')", "IS NULL", "`", "\n", "\r\n\r\n", "data: ", "event: ", "id: ", ": ", "[DONE]",
    ];

    public static byte[] Mutate(Random random, byte[] input, byte[] other)
    {
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            input = random.Next(6) == 0 ? ByteMutations.Mutate(random, input, other) : Once(random, input, other);
        }

        return input;
    }

    private static byte[] Once(Random random, byte[] input, byte[] other)
    {
        var parts = Parts(input);
        if (parts.Count == 0)
        {
            return ByteMutations.Mutate(random, input, other);
        }

        var (start, end) = parts[random.Next(parts.Count)];
        var part = input.AsSpan(start, end - start).ToArray();
        byte[] replacement = random.Next(8) switch
        {
            0 => [],
            1 => [.. part, (byte)',', .. part],
            2 => [(byte)'[', .. part, (byte)']'],
            3 => Nested(random, part),
            4 => Pick(random, input, parts),
            5 => Pick(random, other, Parts(other)),
            6 when part is [(byte)'"', .., (byte)'"'] => [(byte)'"', .. Long(random, part[1..^1]), (byte)'"'],
            _ => Encoding.UTF8.GetBytes(Odd[random.Next(Odd.Length)]),
        };
        byte[] output = [.. input.AsSpan(0, start), .. replacement, .. input.AsSpan(end)];
        return output.Length <= ByteMutations.MaxBytes ? output : input;
    }

    private static byte[] Nested(Random random, byte[] part)
    {
        var depth = random.Next(1, random.Next(2) == 0 ? 8 : 600);
        var isObject = random.Next(2) == 0;
        return Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(isObject ? "{\"a\":" : "[", depth)) + Encoding.UTF8.GetString(part) + new string(isObject ? '}' : ']', depth));
    }

    private static byte[] Long(Random random, byte[] text)
    {
        var unit = text.Length == 0 ? [(byte)'a'] : text.AsSpan(0, Math.Min(text.Length, 64)).ToArray();
        return [.. Enumerable.Repeat(unit, random.Next(1, 400)).SelectMany(bytes => bytes)];
    }

    private static byte[] Pick(Random random, byte[] text, List<(int Start, int End)> parts)
    {
        if (parts.Count == 0)
        {
            return [];
        }

        var (start, end) = parts[random.Next(parts.Count)];
        return text.AsSpan(start, end - start).ToArray();
    }

    /// <summary>Where words, quoted texts and bracketed parts begin and end.</summary>
    private static List<(int Start, int End)> Parts(byte[] text)
    {
        var parts = new List<(int Start, int End)>();
        var open = new Stack<int>();
        for (var at = 0; at < text.Length;)
        {
            var start = at;
            var c = (char)text[at++];
            switch (c)
            {
                case '{' or '[' or '(':
                    open.Push(start);
                    break;
                case '}' or ']' or ')':
                    if (open.TryPop(out var begin))
                    {
                        parts.Add((begin, at));
                    }

                    break;
                case '"' or '\'' or '`':
                    while (at < text.Length && text[at] != c)
                    {
                        at += text[at] == '\\' ? 2 : 1;
                    }

                    at = Math.Min(at + 1, text.Length);
                    parts.Add((start, at));
                    break;
                default:
                    if (char.IsLetterOrDigit(c) || c is '-' or '+' or '.' or '_')
                    {
                        while (at < text.Length && ((char)text[at] is var next) && (char.IsLetterOrDigit(next) || next is '-' or '+' or '.' or '_'))
                        {
                            at++;
                        }

                        parts.Add((start, at));
                    }

                    break;
            }
        }

        return parts;
    }
}
