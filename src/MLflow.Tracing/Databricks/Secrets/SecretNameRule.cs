using System.Buffers;

namespace MLflow;

/// <summary>Names of scopes and secrets as workspaces take them.</summary>
internal static class SecretNameRule
{
    private const int MaxLength = 128;

    private static readonly SearchValues<char> Allowed = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.@");

    /// <exception cref="ArgumentException">It is no such name.</exception>
    public static void Check(string name, string what, string parameter)
    {
        ArgumentNullException.ThrowIfNull(name, parameter);
        if (name.Length is 0 or > MaxLength || name.AsSpan().ContainsAnyExcept(Allowed))
        {
            // A longer one may be a secret that stands in the wrong place.
            throw new ArgumentException(
                $"{(name.Length > MaxLength ? $"A {what} of {name.Length} characters" : $"The {what} '{name}'")} cannot be one of a Databricks workspace: it takes 1 to {MaxLength} letters, digits and - _ . @.",
                parameter);
        }
    }
}
