namespace MLflow.Cli.Commands.Settings;

/// <summary>Finds the name that somebody may have meant.</summary>
internal static class Spelling
{
    /// <returns>The known name with the fewest changes; null where none is near.</returns>
    public static string? Nearest(string name, IEnumerable<string> known)
    {
        var nearest = known.Select(candidate => (candidate, Distance: Distance(name, candidate))).MinBy(pair => pair.Distance);
        return nearest.candidate is not null && nearest.Distance <= Math.Max(2, name.Length / 3) ? nearest.candidate : null;
    }

    /// <summary>How many letters must be put in, taken out or changed, https://en.wikipedia.org/wiki/Levenshtein_distance</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(changed, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
