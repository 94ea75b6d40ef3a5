using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;

namespace MLflow.Server.Access.Http;

/// <summary>The other way of <see cref="KeyEncryptor"/>. Stored keys name it: it cannot be renamed.</summary>
internal sealed class KeyDecryptor : IXmlDecryptor
{
    private readonly KeyPassphrase _passphrase;

    // DataProtection makes it itself, with what it has.
    public KeyDecryptor(IServiceProvider services) => _passphrase = services.GetRequiredService<KeyPassphrase>();

    public XElement Decrypt(XElement encryptedElement) => XElement.Parse(Encoding.UTF8.GetString(_passphrase.Decrypt(Convert.FromBase64String(encryptedElement.Value))));
}
