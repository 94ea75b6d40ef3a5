using System.Globalization;

namespace MLflow.Server.Conventions;

/// <summary>Lists that are written as one attribute for each part: <c>gen_ai.prompt.0.role</c>. Numbers may begin at 1, and may have gaps.</summary>
internal static class NumberedKeys
{
    /// <summary>The groups below a prefix that ends in a dot, in the order of their numbers, each with the prefix of its own parts.</summary>
    public static IReadOnlyList<(int Number, string Prefix)> Groups(SpanSource source, string prefix)
    {
        var numbers = new SortedSet<int>();
        foreach (var key in source.KeysFrom(prefix))
        {
            if (key.IndexOf('.', prefix.Length) is var end && end > prefix.Length
                && int.TryParse(key.AsSpan(prefix.Length, end - prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                numbers.Add(number);
            }
        }

        return [.. numbers.Select(number => (number, string.Create(CultureInfo.InvariantCulture, $"{prefix}{number}.")))];
    }
}
