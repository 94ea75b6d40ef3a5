using System.Text.RegularExpressions;

namespace MLflow.Server.Access;

/// <summary>A user to be made.</summary>
/// <param name="Name">Checked by <see cref="CheckName"/>.</param>
/// <param name="PasswordHash">Null for those who cannot sign in with a password.</param>
/// <param name="IsAdmin">Whether they may do everything.</param>
/// <param name="DefaultPermission">For experiments of which nothing else is said.</param>
/// <param name="Issuer">The identity provider; null for none.</param>
/// <param name="Subject">Whom they are there.</param>
internal sealed partial record NewUser(string Name, string? PasswordHash, bool IsAdmin = false, Permission DefaultPermission = Permission.Read, string? Issuer = null, string? Subject = null)
{
    private const int MaxNameLength = 100;

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: a name that cannot be.</exception>
    public static string CheckName(string name) => IsName(name)
        ? name
        : throw new MlflowException(
            ErrorCode.INVALID_PARAMETER_VALUE,
            $"Invalid user name '{name}': it must have 1 to {MaxNameLength} letters, digits, '.', '-', '_' and '@', and begin with a letter or a digit.");

    /// <summary>Whether a user can be named so.</summary>
    public static bool IsName(string name) => name.Length <= MaxNameLength && ValidName().IsMatch(name);

    // No colon: it ends the name in Basic authentication.
    [GeneratedRegex(@"^[\p{L}\p{Nd}][\p{L}\p{Nd}._@+-]*\z")]
    private static partial Regex ValidName();
}
