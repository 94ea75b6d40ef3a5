using System.Text;
using CsCheck;
using Xunit;

namespace MLflow.Sdk.Tests.Privacy;

public sealed class SecretNamesTests
{
    private static readonly Gen<string> GenEnd = Gen.OneOf(
        "password", "passwd", "pwd", "clientsecret", "accountkey", "accesskey", "secretkey", "apikey", "subscriptionkey", "functionskey", "accesssignature", "accesstoken",
        "refreshtoken", "authtoken", "awssessiontoken", "secret", "authorization", "cookie", "tokens", "reason", "key", "dent", "");

    /// <summary>A name, and the same in other cases and with other signs between its letters.</summary>
    private static readonly Gen<(string Plain, string Written)> GenName = Gen.Select(
        Gen.Char['a', 'z'].Array[0, 8].Select(letters => new string(letters)),
        GenEnd,
        Gen.Select(Gen.Bool, Gen.Frequency((8, Gen.Const("")), (1, Gen.OneOf("_", "-", ".", " ", "__")))).Array[32],
        (word, end, ways) =>
        {
            var plain = word + end;
            var written = string.Concat(plain.Select((letter, i) => (ways[i].Item1 ? char.ToUpperInvariant(letter) : letter) + ways[i].Item2));
            return (plain, written.Length <= 64 ? written : plain);
        });

    [Fact]
    public void Of_NameHoweverWritten_IsTheSame() =>
        GenName.Sample(name => Assert.Equal(SecretNames.Of(Encoding.ASCII.GetBytes(name.Plain)), SecretNames.Of(Encoding.ASCII.GetBytes(name.Written))), iter: 20_000);

    [Theory]
    [InlineData("dbPassword", SecretKind.Password)]
    [InlineData("OPENAI_API_KEY", SecretKind.Key)]
    [InlineData("aws_session_token", SecretKind.Key)]
    [InlineData("Proxy-Authorization", SecretKind.Authorization)]
    [InlineData("Set-Cookie", SecretKind.Cookie)]
    [InlineData("finish_reason", SecretKind.None)]
    [InlineData("accepted_prediction_tokens", SecretKind.None)]
    [InlineData("___", SecretKind.None)]
    [InlineData("", SecretKind.None)]
    public void Of_EndOfAName_TellsItsKind(string name, object kind) => Assert.Equal(kind, SecretNames.Of(Encoding.ASCII.GetBytes(name)));

    [Fact]
    public void Of_LongName_IsThatOfItsEnd() => Assert.Equal(SecretKind.Key, SecretNames.Of(Encoding.ASCII.GetBytes(new string('x', 500) + "_api_key")));
}
