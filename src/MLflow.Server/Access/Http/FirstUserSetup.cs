using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace MLflow.Server.Access.Http;

/// <summary>The secret by which the first user is made: random, in memory only, and worth nothing as soon as there is a user.</summary>
internal sealed class FirstUserSetup
{
    private const int Bytes = 32;

    /// <param name="isNeeded">Whether the server asks everybody to sign in and nobody can.</param>
    public FirstUserSetup(bool isNeeded) => Token = isNeeded ? Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes)) : null;

    /// <summary>Null where it is not needed.</summary>
    public string? Token { get; }

    public bool IsRight(string? token) => Token is not null && token is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Token), Encoding.UTF8.GetBytes(token));
}
