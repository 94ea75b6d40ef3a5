using System.Globalization;
using System.Security.Cryptography;

namespace MLflow.Server.Access;

/// <summary>PBKDF2-HMAC-SHA256, as <c>pbkdf2-sha256$iterations$salt$hash</c>: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html</summary>
internal static class PasswordHash
{
    public const int Iterations = 600_000;

    /// <summary>Characters of a new password (NIST SP 800-63B asks for 8 at least, and for no rules about their kinds).</summary>
    public const int MinLength = 12;

    /// <summary>Characters of a password; longer ones are not even looked at.</summary>
    public const int MaxLength = 1024;

    private const string Scheme = "pbkdf2-sha256";
    private const int SaltBytes = 16;
    private const int HashBytes = 32;

    // Compared where there is no user or no password, so that it takes as long.
    private static readonly string Nobody = Create("nobody has this password");

    /// <summary>Hashes a new password.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: too short or too long.</exception>
    public static string CreateChecked(string password) => password.Length switch
    {
        < MinLength => throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"The password has fewer than {MinLength} characters; choose a longer one, several words for example."),
        > MaxLength => throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"The password has more than {MaxLength} characters; choose a shorter one."),
        _ => Create(password),
    };

    public static string Create(string password, int iterations = Iterations)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        return string.Create(CultureInfo.InvariantCulture, $"{Scheme}${iterations}${Convert.ToBase64String(salt)}${Convert.ToBase64String(Derive(password, salt, iterations))}");
    }

    /// <summary>Whether the password is the one; null for a user without one, or nobody at all, which takes as long and is never right.</summary>
    public static bool Verify(string password, string? hash)
    {
        var parts = (hash ?? Nobody).Split('$');
        if (parts is not [Scheme, var iterations, var salt, var expected])
        {
            throw new FormatException("The password hash in the database is of a kind that this server does not know.");
        }

        var actual = Derive(password, Convert.FromBase64String(salt), int.Parse(iterations, CultureInfo.InvariantCulture));
        return CryptographicOperations.FixedTimeEquals(actual, Convert.FromBase64String(expected)) && hash is not null;
    }

    private static byte[] Derive(string password, byte[] salt, int iterations) =>
        Rfc2898DeriveBytes.Pbkdf2(password, salt, iterations, HashAlgorithmName.SHA256, HashBytes);
}
