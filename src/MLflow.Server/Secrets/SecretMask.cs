using System.Text;

namespace MLflow.Server.Secrets;

/// <summary>What is shown of a secret, so that people know which one it is: of a long one three characters and four, in MLflow's form. It does not tell how long it is.</summary>
internal static class SecretMask
{
    /// <summary>Nothing is shown of what is shorter: seven characters would be too much of it.</summary>
    private const int LeastShown = 20;
    private const int Head = 3;
    private const int Tail = 4;

    public static string Of(string value)
    {
        var characters = value.EnumerateRunes().ToList();
        return characters.Count < LeastShown ? "***" : $"{Text(characters[..Head])}...{Text(characters[^Tail..])}";
    }

    private static string Text(List<Rune> runes) => string.Concat(runes.Select(rune => Rune.IsControl(rune) ? "?" : rune.ToString()));
}
