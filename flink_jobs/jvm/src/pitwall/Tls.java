package pitwall;

import com.datastax.oss.driver.api.core.ssl.ProgrammaticSslEngineFactory;
import com.datastax.oss.driver.api.core.ssl.SslEngineFactory;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * How Cassandra's nodes are known, by PEM files: {@code ca} signs their certificates (null: the system's authorities);
 * {@code certificate} and {@code key} (PKCS#8) are what this client shows, or null.
 */
record Tls(String ca, String certificate, String key, boolean verifyHost) implements Serializable {
    private static final char[] NO_PASSWORD = new char[0];

    /** For the driver. Raises IOException where a file holds no certificate or key. */
    SslEngineFactory engines() throws IOException {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(certificate == null ? null : shown().getKeyManagers(), ca == null ? null : trusted().getTrustManagers(), null);
            return new ProgrammaticSslEngineFactory(context, null, verifyHost);
        } catch (GeneralSecurityException e) {
            throw new IOException("online_store.tls holds what is no certificate or key in PEM form: " + e.getMessage(), e);
        }
    }

    private TrustManagerFactory trusted() throws IOException, GeneralSecurityException {
        KeyStore store = empty();
        int number = 0;
        for (Certificate each : certificates(ca)) {
            store.setCertificateEntry("ca" + number++, each);
        }
        TrustManagerFactory found = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        found.init(store);
        return found;
    }

    private KeyManagerFactory shown() throws IOException, GeneralSecurityException {
        KeyStore store = empty();
        store.setKeyEntry("client", privateKey(), NO_PASSWORD, certificates(certificate).toArray(new Certificate[0]));
        KeyManagerFactory found = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        found.init(store, NO_PASSWORD);
        return found;
    }

    private PrivateKey privateKey() throws IOException, GeneralSecurityException {
        String text = Files.readString(Path.of(key)).replaceAll("-----[A-Z ]+-----", "");
        PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(text));
        try {
            return KeyFactory.getInstance("EC").generatePrivate(spec);
        } catch (InvalidKeySpecException e) {
            return KeyFactory.getInstance("RSA").generatePrivate(spec);
        }
    }

    private static Collection<? extends Certificate> certificates(String path) throws IOException, GeneralSecurityException {
        try (InputStream in = Files.newInputStream(Path.of(path))) {
            return CertificateFactory.getInstance("X.509").generateCertificates(in);
        }
    }

    private static KeyStore empty() throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        return store;
    }
}
