using System.Text;
using MLflow.Server.Blobs;
using MLflow.Server.Storage;
using Xunit;
using ZstdSharp;

namespace MLflow.Server.Tests.Storage;

public sealed class PayloadManifestTests
{
    private const int FromBytes = 64;

    [Fact]
    public void Restore_OfWhatIsDamaged_NeverSaysThatItCanBeHadLater()
    {
        var json = Encoding.UTF8.GetBytes("{\"a\":{\"x\":\"" + new string('A', 100) + " and " + new string('B', 200) + "\"}}");
        var cut = PayloadManifest.Cut(json, FromBytes)!;
        var manifest = PayloadManifest.Write(cut, content => cut.Cuts[0].Content == content ? "one" : "two");
        Assert.Equal(json, Restore(manifest));

        for (var i = 0; i < manifest.Length; i++)
        {
            AssertDamaged(manifest[..i]);
            foreach (var bit in new byte[] { 0x80, 0x40, 1 })
            {
                var changed = (byte[])manifest.Clone();
                changed[i] ^= bit;
                AssertDamaged(changed);
            }
        }

        BlobContent Read(string name) => new(cut.Cuts[name == "one" ? 0 : 1].Content, null);

        byte[] Restore(byte[] bytes) => PayloadManifest.Restore(bytes, Read, Read, out _);

        void AssertDamaged(byte[] bytes)
        {
            var thrown = Record.Exception(() => Restore(bytes));
            Assert.True(thrown is null or InvalidDataException or ZstdException, thrown?.ToString());
        }
    }
}
