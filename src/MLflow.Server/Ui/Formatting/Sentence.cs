using System.Globalization;

namespace MLflow.Server.Ui.Formatting;

/// <summary>A sentence with pieces of markup in it, whose order is another one in each language.</summary>
internal static class Sentence
{
    /// <summary>Cuts a translated sentence at its <c>{0}</c>, <c>{1}</c>, … and puts pieces in their places.</summary>
    /// <param name="sentence">With one digit in each pair of braces.</param>
    /// <param name="plain">Makes a piece of what stands between.</param>
    /// <param name="pieces">In the order of their numbers.</param>
    public static List<T> Fill<T>(string sentence, Func<string, T> plain, params ReadOnlySpan<T> pieces)
    {
        var filled = new List<T>();
        var from = 0;
        for (var open = sentence.IndexOf('{', StringComparison.Ordinal); open >= 0; open = sentence.IndexOf('{', from))
        {
            if (open > from)
            {
                filled.Add(plain(sentence[from..open]));
            }

            filled.Add(pieces[int.Parse(sentence.AsSpan(open + 1, 1), CultureInfo.InvariantCulture)]);
            from = open + 3;
        }

        if (from < sentence.Length)
        {
            filled.Add(plain(sentence[from..]));
        }

        return filled;
    }
}
